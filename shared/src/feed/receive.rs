//! Runs, as readers receive them.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::feed::cursor::Cursor;
use crate::feed::item::ReceivedItem;
use crate::feed::keys::KEEP;
use crate::redis::Error;

/// Items with consecutive numbers, as they were published together.
#[derive(Debug)]
pub struct ReceivedBatch {
    /// The place before the first of them.
    pub after: Cursor,
    /// In order.
    pub items: Vec<ReceivedItem>,
    /// How many of them could not be understood, as those of a newer version, and are empty.
    pub unreadable: usize,
}

impl ReceivedBatch {
    /// Reads what a channel carried; none if that was never one of our runs.
    pub fn from_message(payload: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Message<'a> {
            epoch: String,
            first: u64,
            #[serde(borrow)]
            items: &'a RawValue,
        }
        let message: Message<'_> = serde_json::from_slice(payload).ok()?;
        Self::of(Cursor { epoch: message.epoch.into(), seq: message.first.checked_sub(1)? }, message.items.get())
    }

    fn of(after: Cursor, items: &str) -> Option<Self> {
        if let Ok(items) = serde_json::from_str(items) {
            return Some(Self { after, items, unreadable: 0 });
        }
        let each: Vec<&RawValue> = serde_json::from_str(items).ok()?;
        let mut unreadable = 0;
        let read = |raw: &&RawValue| {
            serde_json::from_str(raw.get()).unwrap_or_else(|_| {
                unreadable += 1;
                ReceivedItem::default()
            })
        };
        let items = each.iter().map(read).collect();
        Some(Self { after, items, unreadable })
    }

    /// What the stream holds for the numbers `first..=last`; empty items where that is not what our script wrote.
    pub(super) fn of_stream(epoch: &Arc<str>, first: u64, last: u64, items: &str) -> Result<Self, Error> {
        let after = Cursor { epoch: Arc::clone(epoch), seq: first.saturating_sub(1) };
        let count = last.checked_sub(after.seq).and_then(|count| usize::try_from(count).ok()).filter(|count| *count <= KEEP);
        let count = count.ok_or(Error::Shape("the numbers of a run"))?;
        let run = Self::of(after.clone(), items).filter(|run| run.items.len() == count);
        Ok(run.unwrap_or_else(|| Self { after, items: vec![ReceivedItem::default(); count], unreadable: count }))
    }

    /// The number of its last item.
    pub fn last(&self) -> u64 {
        self.after.seq + self.items.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_of_a_newer_version_costs_itself_alone() {
        let message = br#"{"epoch":"e","first":7,"items":[{"event":{"id":1}},{"event":null,"notification":"?"},{"search":"x"}]}"#;
        let run = ReceivedBatch::from_message(message).expect("a run");
        assert_eq!((run.after.to_string().as_str(), run.last(), run.unreadable), ("e.6", 9, 1));
        assert_eq!(run.items[2].search.as_deref(), Some("x"));
        assert!(ReceivedBatch::from_message(b"hello").is_none());
    }
}
