//! Items, encoded into runs for publishing.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::feed::item::FeedItem;
use crate::feed::keys::{FEED_CHANNEL, OPEN_CHANNEL};
use crate::redis::Error;

/// Bytes that most items stay below.
const USUAL: usize = 1 << 10;
/// Bytes of a run, unless a single item is longer.
const LONGEST_RUN: usize = 128 << 10;

/// Items as they are published: few and long runs for one channel each, since what Redis does for a run costs the same however many
/// items it has. Within a channel the order stays.
#[derive(Debug)]
pub struct EncodedBatch {
    pub(super) runs: Vec<EncodedRun>,
    /// Bytes of a new run.
    room: usize,
    /// The item that was added last; its memory serves the next.
    item: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct EncodedRun {
    pub(super) channel: &'static str,
    pub(super) items: usize,
    /// An array.
    pub(super) json: Vec<u8>,
}

impl EncodedRun {
    /// Adds so many items, which are written with commas between them.
    fn add(&mut self, items: usize, json: &[u8]) {
        // What ended the array stands between the items now.
        let between = if self.json.pop().is_some() { b',' } else { b'[' };
        self.json.push(between);
        self.json.extend_from_slice(json);
        self.json.push(b']');
        self.items += items;
    }
}

impl EncodedBatch {
    /// Of one item.
    ///
    /// # Errors
    /// When it does not serialise.
    pub fn of<S: Serialize + AsRef<str>>(item: &FeedItem<S>) -> Result<Self, Error> {
        let mut encoded = Self::expecting(1);
        encoded.push(item)?;
        Ok(encoded)
    }

    /// Of none yet, but some to come.
    pub fn expecting(items: usize) -> Self {
        Self { runs: Vec::new(), room: USUAL * items.clamp(1, LONGEST_RUN / USUAL), item: Vec::with_capacity(USUAL) }
    }

    /// Adds an item.
    ///
    /// # Errors
    /// When it does not serialise; then nothing is added.
    pub fn push<S: Serialize + AsRef<str>>(&mut self, item: &FeedItem<S>) -> Result<(), Error> {
        let is_open = item.event.as_ref().is_some_and(|event| event.kind.as_ref() == "open");
        let channel = if is_open { OPEN_CHANNEL } else { FEED_CHANNEL };
        self.item.clear();
        serde_json::to_writer(&mut self.item, item).map_err(|_| Error::Shape("an item does not serialise"))?;
        let place = self.last_with_room(channel, self.item.len()).unwrap_or_else(|| {
            self.runs.push(EncodedRun { channel, items: 0, json: Vec::with_capacity(self.room) });
            self.runs.len() - 1
        });
        self.runs[place].add(1, &self.item);
        Ok(())
    }

    /// Adds others' items behind these.
    pub fn append(&mut self, others: Self) {
        for other in others.runs {
            match self.last_with_room(other.channel, other.json.len()) {
                Some(place) => self.runs[place].add(other.items, &other.json[1..other.json.len() - 1]),
                None => self.runs.push(other),
            }
        }
    }

    /// Where the last run of a channel is, if it has room for so many bytes.
    fn last_with_room(&self, channel: &str, bytes: usize) -> Option<usize> {
        let last = self.runs.iter().rposition(|run| run.channel == channel);
        last.filter(|last| self.runs[*last].json.len() + bytes < LONGEST_RUN)
    }

    /// How many items these are.
    pub fn len(&self) -> usize {
        self.runs.iter().map(|run| run.items).sum()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Each item's JSON.
    ///
    /// # Errors
    /// Never, of what was added here.
    pub fn each(&self) -> Result<Vec<String>, Error> {
        let mut each = Vec::new();
        for run in &self.runs {
            let items: Vec<Box<RawValue>> = serde_json::from_slice(&run.json).map_err(|_| Error::Shape("a run"))?;
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
    fn runs_hold_every_item_once_in_its_channels_order() {
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
            at: time::OffsetDateTime::UNIX_EPOCH,
        };
        let text = "x".repeat(1000);
        let item = |n| FeedItem { event: None, search: Some(text.as_str()), notification: Some(message(n)), read: None };
        // Some by one, some together, as commits come.
        let mut items = EncodedBatch::expecting(300);
        for first in (0..300).step_by(10) {
            let mut others = EncodedBatch::of(&item(first)).expect("an item");
            for n in first + 1..first + 10 {
                others.push(&item(n)).expect("an item");
            }
            items.append(others);
        }
        assert!(items.runs.len() < 6 && items.runs.iter().all(|run| run.json.len() <= LONGEST_RUN), "{}", items.runs.len());
        assert_eq!((items.len(), EncodedBatch::expecting(0).is_empty()), (300, true));
        let each = items.each().expect("the items");
        let ids = each.iter().map(|item| serde_json::from_str::<FeedItem>(item).expect("an item").notification.expect("one").id);
        assert!(ids.eq(0..300));

        let long = "x".repeat(LONGEST_RUN / 2);
        for n in 0..4 {
            items.push(&FeedItem { search: Some(long.as_str()), ..item(n) }).expect("an item");
        }
        assert!(items.len() == 304 && items.runs.iter().all(|run| run.json.len() <= LONGEST_RUN));
    }
}
