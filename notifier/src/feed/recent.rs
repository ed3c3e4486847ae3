//! Keeps the newest feed entries in memory, without gaps. Clients resume from here, so a thousand clients that reconnect at once
//! put no load on Redis.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use shared::feed::{Cursor, ReceivedBatch, ReceivedItem};

use crate::feed::entry::{AddressedFrame, EncodedEvent, FeedEntry};

/// Entries `cursor.seq - entries.len() + 1 ..= cursor.seq` from one epoch.
#[derive(Debug)]
pub struct Recent {
    cursor: Cursor,
    /// The maximum number of entries.
    keep: usize,
    entries: VecDeque<Arc<FeedEntry>>,
    events: HashSet<i64>,
    notifications: HashSet<i64>,
}

impl Recent {
    /// Creates an empty list for the newest `keep` entries, the first of which will follow `cursor`.
    pub fn new(cursor: Cursor, keep: usize) -> Self {
        Self { cursor, keep, entries: VecDeque::new(), events: HashSet::new(), notifications: HashSet::new() }
    }

    /// An empty list of the same size whose next entry follows `cursor`.
    pub fn emptied(&self, cursor: Cursor) -> Self {
        Self::new(cursor, self.keep)
    }

    /// The cursor of the newest entry.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The cursor immediately before the oldest entry.
    pub fn start(&self) -> Cursor {
        Cursor { epoch: Arc::clone(&self.cursor.epoch), seq: self.cursor.seq - self.entries.len() as u64 }
    }

    /// Appends the new items of a batch. Returns false if entries before the batch are missing or it belongs to another epoch; the
    /// stream must then be read.
    pub fn offer(&mut self, batch: ReceivedBatch) -> bool {
        if batch.after.epoch != self.cursor.epoch || batch.after.seq > self.cursor.seq {
            return false;
        }
        let known = usize::try_from(self.cursor.seq - batch.after.seq).unwrap_or(usize::MAX);
        let received = Instant::now();
        for item in batch.items.into_iter().skip(known) {
            self.append(item, received);
        }
        true
    }

    /// Appends an entry. The publisher repeats an event or notification if it crashes between publishing it and deleting its
    /// outbox row; the duplicate keeps its number, but its content is dropped.
    fn append(&mut self, item: ReceivedItem, received: Instant) {
        self.cursor.seq += 1;
        let cursor = self.cursor.clone();
        let event = item.event.and_then(|json| EncodedEvent::new(json, item.search));
        let event = event.filter(|event| self.events.insert(event.id));
        let notification = item.notification.filter(|notification| self.notifications.insert(notification.id));
        let addressed = notification.map(|notification| AddressedFrame::notification(&cursor, notification));
        let addressed = addressed
            .or_else(|| item.read.map(|read| AddressedFrame::read_mark(&cursor, &read)))
            .or_else(|| item.unread.map(|unread| AddressedFrame::unread_mark(&cursor, &unread)))
            .or_else(|| item.changed.map(|changed| AddressedFrame::changed(&cursor, changed)))
            .or_else(|| item.refetch.map(AddressedFrame::refetch));
        self.entries.push_back(Arc::new(FeedEntry { cursor, event, addressed, received }));
        if self.entries.len() > self.keep
            && let Some(oldest) = self.entries.pop_front()
        {
            oldest.event.as_ref().map(|event| self.events.remove(&event.id));
            oldest.addressed.as_ref().and_then(|frame| frame.notification_id).map(|id| self.notifications.remove(&id));
        }
    }

    /// The entries after `after`; `None` if any of them is no longer kept.
    pub fn after(&self, after: &Cursor) -> Option<impl Iterator<Item = &Arc<FeedEntry>>> {
        if after.epoch != self.cursor.epoch {
            return None;
        }
        let missing = usize::try_from(self.cursor.seq.checked_sub(after.seq)?).ok()?;
        let skip = self.entries.len().checked_sub(missing)?;
        Some(self.entries.range(skip..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    fn cursor(epoch: &str, seq: u64) -> Cursor {
        Cursor { epoch: epoch.into(), seq }
    }

    /// A batch of events with these ids, numbered from `first`.
    fn batch(epoch: &str, first: u64, ids: &[i64]) -> ReceivedBatch {
        let items = ids.iter().map(|id| ReceivedItem {
            event: RawValue::from_string(format!(r#"{{"id":{id},"kind":"open"}}"#)).ok(),
            ..ReceivedItem::default()
        });
        ReceivedBatch { after: cursor(epoch, first - 1), items: items.collect(), unreadable: 0 }
    }

    #[test]
    fn only_entries_that_follow_are_appended() {
        let mut recent = Recent::new(cursor("a", 10), 10);
        assert!(!recent.offer(batch("a", 12, &[1])), "a gap");
        assert!(!recent.offer(batch("b", 11, &[1])), "another epoch");
        assert!(recent.offer(batch("a", 10, &[1])), "all entries are already known");
        assert_eq!(recent.cursor(), &cursor("a", 10));
        assert!(recent.offer(batch("a", 9, &[5, 6, 7, 8])), "some entries are already known");
        assert_eq!((recent.cursor(), recent.start()), (&cursor("a", 12), cursor("a", 10)));
        let ids: Vec<_> = recent
            .after(&cursor("a", 10))
            .expect("all entries should be kept")
            .map(|entry| entry.event.as_ref().map(|event| event.id))
            .collect();
        assert_eq!(ids, [Some(7), Some(8)]);
    }

    #[test]
    fn a_duplicate_event_keeps_its_number_and_loses_its_content() {
        let mut recent = Recent::new(cursor("a", 0), 10);
        assert!(recent.offer(batch("a", 1, &[7, 8, 7])));
        let has_event: Vec<bool> =
            recent.after(&cursor("a", 0)).expect("all entries should be kept").map(|entry| entry.event.is_some()).collect();
        assert_eq!(has_event, [true, true, false]);
    }

    #[test]
    fn the_oldest_entries_are_dropped() {
        let mut recent = Recent::new(cursor("a", 0), 10);
        assert!(recent.offer(batch("a", 1, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])));
        assert_eq!((recent.start(), recent.entries.len(), recent.events.len()), (cursor("a", 3), 10, 10));
    }

    proptest! {
        #[test]
        fn a_resume_is_complete_or_refused(start in 0..5_u64, count in 0..20_u64, after in 0..30_u64) {
            let mut recent = Recent::new(cursor("a", start), 100);
            for seq in start + 1..=start + count {
                prop_assert!(recent.offer(batch("a", seq, &[seq.cast_signed()])));
            }
            let from = cursor("a", after);
            let found = recent.after(&from).map(|entries| entries.map(|entry| entry.cursor.seq).collect::<Vec<_>>());
            let expected = (start..=start + count).contains(&after).then(|| (after + 1..=start + count).collect::<Vec<_>>());
            prop_assert_eq!(found, expected);
            prop_assert!(recent.after(&cursor("b", after)).is_none());
        }
    }
}
