//! Encodes items into runs.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::feed::item::FeedItem;
use crate::feed::keys::{FEED_CHANNEL, OPEN_CHANNEL};
use crate::redis::Error;

/// Typical maximum size of an item, in bytes. Most items are smaller.
const TYPICAL_ITEM_BYTES: usize = 1 << 10;
/// Maximum size of a run in bytes, unless a single item is longer.
const MAX_RUN_BYTES: usize = 128 << 10;

/// Items encoded for publishing. Each run belongs to one channel. The batch uses a few long runs, because the cost of a run in
/// Redis does not depend on its number of items. Items within a channel stay in order.
#[derive(Debug)]
pub struct EncodedBatch {
    pub(super) runs: Vec<EncodedRun>,
    /// Initial capacity of a new run, in bytes.
    run_capacity: usize,
    /// Scratch space for the item being added.
    scratch: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct EncodedRun {
    pub(super) channel: &'static str,
    pub(super) items: usize,
    /// A JSON array of the items.
    pub(super) json: Vec<u8>,
}

impl EncodedRun {
    /// Adds `items` items. `json` contains their comma-separated JSON.
    fn add(&mut self, items: usize, json: &[u8]) {
        // The separator replaces the closing bracket, or opens the array.
        let separator = if self.json.pop().is_some() { b',' } else { b'[' };
        self.json.push(separator);
        self.json.extend_from_slice(json);
        self.json.push(b']');
        self.items += items;
    }
}

impl EncodedBatch {
    /// Creates a batch that contains one item.
    ///
    /// # Errors
    /// When the item cannot be serialised.
    pub fn of<S: Serialize + AsRef<str>>(item: &FeedItem<S>) -> Result<Self, Error> {
        let mut encoded = Self::expecting(1);
        encoded.push(item)?;
        Ok(encoded)
    }

    /// Creates an empty batch with capacity for about `items` items.
    pub fn expecting(items: usize) -> Self {
        Self {
            runs: Vec::new(),
            run_capacity: TYPICAL_ITEM_BYTES * items.clamp(1, MAX_RUN_BYTES / TYPICAL_ITEM_BYTES),
            scratch: Vec::with_capacity(TYPICAL_ITEM_BYTES),
        }
    }

    /// Adds an item.
    ///
    /// # Errors
    /// When the item cannot be serialised; in that case the batch is unchanged.
    pub fn push<S: Serialize + AsRef<str>>(&mut self, item: &FeedItem<S>) -> Result<(), Error> {
        let is_open = item.event.as_ref().is_some_and(|event| event.kind.as_ref() == "open");
        let channel = if is_open { OPEN_CHANNEL } else { FEED_CHANNEL };
        self.scratch.clear();
        serde_json::to_writer(&mut self.scratch, item).map_err(|_| Error::Malformed("an item cannot be serialised"))?;
        let index = self.last_run_with_room(channel, self.scratch.len()).unwrap_or_else(|| {
            self.runs.push(EncodedRun { channel, items: 0, json: Vec::with_capacity(self.run_capacity) });
            self.runs.len() - 1
        });
        self.runs[index].add(1, &self.scratch);
        Ok(())
    }

    /// Moves all items of `other` to the end of this batch.
    pub fn append(&mut self, other: Self) {
        for run in other.runs {
            match self.last_run_with_room(run.channel, run.json.len()) {
                Some(index) => self.runs[index].add(run.items, &run.json[1..run.json.len() - 1]),
                None => self.runs.push(run),
            }
        }
    }

    /// Returns the index of the channel's last run if that run has room for `bytes` more bytes.
    fn last_run_with_room(&self, channel: &str, bytes: usize) -> Option<usize> {
        let last = self.runs.iter().rposition(|run| run.channel == channel);
        last.filter(|last| self.runs[*last].json.len() + bytes < MAX_RUN_BYTES)
    }

    /// Returns the number of items.
    pub fn len(&self) -> usize {
        self.runs.iter().map(|run| run.items).sum()
    }

    /// Returns true if the batch has no items.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Returns the JSON of each item.
    ///
    /// # Errors
    /// When a run is not a JSON array. `push` and `append` ensure that this does not happen.
    pub fn each(&self) -> Result<Vec<String>, Error> {
        let mut each = Vec::new();
        for run in &self.runs {
            let items: Vec<Box<RawValue>> =
                serde_json::from_slice(&run.json).map_err(|_| Error::Malformed("a run is not a JSON array"))?;
            each.extend(items.into_iter().map(|item| Box::<str>::from(item).into_string()));
        }
        Ok(each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notification::{Audience, Notification};

    #[test]
    fn runs_hold_each_item_once_and_in_order() {
        let message = |n: usize| Notification {
            id: i64::try_from(n).expect("a small number"),
            kind: "message",
            title: "",
            body: "",
            event_id: None,
            message_id: None,
            recipient: None,
            from: None,
            to: Audience::All,
            actor: None,
            actor_reason: None,
            at: time::OffsetDateTime::UNIX_EPOCH,
        };
        let text = "x".repeat(1000);
        let item = |n| FeedItem { search: Some(text.as_str()), notification: Some(message(n)), ..FeedItem::default() };
        // Items arrive both individually and in batches, matching the way they are committed.
        let mut items = EncodedBatch::expecting(300);
        for first in (0..300).step_by(10) {
            let mut commit = EncodedBatch::of(&item(first)).expect("an item");
            for n in first + 1..first + 10 {
                commit.push(&item(n)).expect("an item");
            }
            items.append(commit);
        }
        assert!(items.runs.len() < 6 && items.runs.iter().all(|run| run.json.len() <= MAX_RUN_BYTES), "{}", items.runs.len());
        assert_eq!((items.len(), EncodedBatch::expecting(0).is_empty()), (300, true));
        let each = items.each().expect("the items");
        let ids = each.iter().map(|item| serde_json::from_str::<FeedItem>(item).expect("an item").notification.expect("one").id);
        assert!(ids.eq(0..300));

        let long = "x".repeat(MAX_RUN_BYTES / 2);
        for n in 0..4 {
            items.push(&FeedItem { search: Some(long.as_str()), ..item(n) }).expect("an item");
        }
        assert!(items.len() == 304 && items.runs.iter().all(|run| run.json.len() <= MAX_RUN_BYTES));
    }
}
