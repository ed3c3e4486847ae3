//! Decodes runs.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::feed::cursor::Cursor;
use crate::feed::item::ReceivedItem;
use crate::redis::Error;

/// Maximum number of items in a run. A run is at most 128 kB long, unless it has a single item.
const MAX_RUN_ITEMS: usize = 10_000;

/// A received run: items with consecutive numbers that were published together.
#[derive(Debug)]
pub struct ReceivedBatch {
    /// The position before the first item.
    pub after: Cursor,
    /// The items, in order.
    pub items: Vec<ReceivedItem>,
    /// The number of items that could not be parsed, for example because they come from a newer version. `items` contains an empty item for
    /// each of them.
    pub unreadable: usize,
}

impl ReceivedBatch {
    /// Parses a message from a feed channel. Returns `None` if it is not a run.
    pub fn from_message(payload: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Message<'a> {
            epoch: String,
            first: u64,
            #[serde(borrow)]
            items: &'a RawValue,
        }
        let message: Message<'_> = serde_json::from_slice(payload).ok()?;
        Self::parse(Cursor { epoch: message.epoch.into(), seq: message.first.checked_sub(1)? }, message.items.get())
    }

    fn parse(after: Cursor, items: &str) -> Option<Self> {
        if let Ok(items) = serde_json::from_str(items) {
            return Some(Self { after, items, unreadable: 0 });
        }
        let each: Vec<&RawValue> = serde_json::from_str(items).ok()?;
        let mut unreadable = 0;
        let parse_item = |raw: &&RawValue| {
            serde_json::from_str(raw.get()).unwrap_or_else(|_| {
                unreadable += 1;
                ReceivedItem::default()
            })
        };
        let items = each.iter().map(parse_item).collect();
        Some(Self { after, items, unreadable })
    }

    /// Parses the stream entry for the numbers `first..=last`. If the entry is malformed, all of its items are empty.
    pub(super) fn from_stream_entry(epoch: &Arc<str>, first: u64, last: u64, items: &str) -> Result<Self, Error> {
        let after = Cursor { epoch: Arc::clone(epoch), seq: first.saturating_sub(1) };
        let count =
            last.checked_sub(after.seq).and_then(|count| usize::try_from(count).ok()).filter(|count| *count <= MAX_RUN_ITEMS);
        let count = count.ok_or(Error::Malformed("a run's numbers are out of range"))?;
        let run = Self::parse(after.clone(), items).filter(|run| run.items.len() == count);
        Ok(run.unwrap_or_else(|| Self { after, items: vec![ReceivedItem::default(); count], unreadable: count }))
    }

    /// Returns the number of the last item.
    pub fn last(&self) -> u64 {
        self.after.seq + self.items.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unparsable_items_do_not_affect_their_run() {
        let message = br#"{"epoch":"e","first":7,"items":[{"event":{"id":1}},{"event":null,"notification":"?"},{"search":"x"}]}"#;
        let run = ReceivedBatch::from_message(message).expect("a run");
        assert_eq!((run.after.to_string().as_str(), run.last(), run.unreadable), ("e.6", 9, 1));
        assert_eq!(run.items[2].search.as_deref(), Some("x"));
        assert!(ReceivedBatch::from_message(b"hello").is_none());
    }
}
