//! The newest entries of the feed in memory, without holes: from here clients resume, so that a thousand of them coming back
//! at once ask nothing of Redis.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use shared::feed::{Cursor, KEEP, ReceivedBatch, ReceivedItem};

use crate::feed::entry::{AddressedFrame, EncodedEvent, FeedEntry};

/// Entries `cursor.seq - entries.len() + 1 ..= cursor.seq` of one epoch.
#[derive(Debug)]
pub struct Recent {
    cursor: Cursor,
    entries: VecDeque<Arc<FeedEntry>>,
    events: HashSet<i64>,
    notifications: HashSet<i64>,
}

impl Recent {
    /// Nothing yet, at this place.
    pub fn new(cursor: Cursor) -> Self {
        Self { cursor, entries: VecDeque::new(), events: HashSet::new(), notifications: HashSet::new() }
    }

    /// The newest place.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The place before the oldest entry.
    pub fn start(&self) -> Cursor {
        Cursor { epoch: Arc::clone(&self.cursor.epoch), seq: self.cursor.seq - self.entries.len() as u64 }
    }

    /// Takes what is new of a run. False when numbers before it are missing, or it is of another epoch: read the stream.
    pub fn offer(&mut self, run: ReceivedBatch) -> bool {
        if run.after.epoch != self.cursor.epoch || run.after.seq > self.cursor.seq {
            return false;
        }
        let known = usize::try_from(self.cursor.seq - run.after.seq).unwrap_or(usize::MAX);
        let received = Instant::now();
        for item in run.items.into_iter().skip(known) {
            self.take(item, received);
        }
        true
    }

    /// The next entry. An event or notification that was relayed before, as after a crash between publishing and forgetting,
    /// keeps its number and loses its content.
    fn take(&mut self, item: ReceivedItem, received: Instant) {
        self.cursor.seq += 1;
        let cursor = self.cursor.clone();
        let event = item.event.and_then(|json| EncodedEvent::new(json, item.search));
        let event = event.filter(|event| self.events.insert(event.id));
        let notification = item.notification.filter(|notification| self.notifications.insert(notification.id));
        let addressed = notification.map(|notification| AddressedFrame::notification(&cursor, notification));
        let addressed = addressed.or_else(|| item.read.map(|read| AddressedFrame::read_mark(&cursor, &read)));
        self.entries.push_back(Arc::new(FeedEntry { cursor, event, addressed, received }));
        if self.entries.len() > KEEP
            && let Some(oldest) = self.entries.pop_front()
        {
            oldest.event.as_ref().map(|event| self.events.remove(&event.id));
            oldest.addressed.as_ref().and_then(|frame| frame.notification_id).map(|id| self.notifications.remove(&id));
        }
    }

    /// What comes after `after`, if all of it is still here.
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

    /// Events with these ids, the first of them with this number.
    fn run(epoch: &str, first: u64, ids: &[i64]) -> ReceivedBatch {
        let items = ids.iter().map(|id| ReceivedItem {
            event: RawValue::from_string(format!(r#"{{"id":{id},"kind":"open"}}"#)).ok(),
            ..ReceivedItem::default()
        });
        ReceivedBatch { after: cursor(epoch, first - 1), items: items.collect(), unreadable: 0 }
    }

    #[test]
    fn only_what_comes_next_is_taken() {
        let mut recent = Recent::new(cursor("a", 10));
        assert!(!recent.offer(run("a", 12, &[1])), "a hole");
        assert!(!recent.offer(run("b", 11, &[1])), "another epoch");
        assert!(recent.offer(run("a", 10, &[1])), "known");
        assert_eq!(recent.cursor(), &cursor("a", 10));
        assert!(recent.offer(run("a", 9, &[5, 6, 7, 8])), "known in part");
        assert_eq!((recent.cursor(), recent.start()), (&cursor("a", 12), cursor("a", 10)));
        let ids: Vec<_> =
            recent.after(&cursor("a", 10)).expect("all of it").map(|entry| entry.event.as_ref().map(|event| event.id)).collect();
        assert_eq!(ids, [Some(7), Some(8)]);
    }

    #[test]
    fn a_repeated_event_keeps_its_number_and_loses_its_content() {
        let mut recent = Recent::new(cursor("a", 0));
        assert!(recent.offer(run("a", 1, &[7, 8, 7])));
        let has: Vec<bool> = recent.after(&cursor("a", 0)).expect("all").map(|entry| entry.event.is_some()).collect();
        assert_eq!(has, [true, true, false]);
    }

    #[test]
    fn the_oldest_make_room() {
        let mut recent = Recent::new(cursor("a", 0));
        let ids: Vec<i64> = (0..).take(KEEP + 3).collect();
        assert!(recent.offer(run("a", 1, &ids)));
        assert_eq!((recent.start(), recent.entries.len(), recent.events.len()), (cursor("a", 3), KEEP, KEEP));
    }

    proptest! {
        #[test]
        fn a_resume_is_whole_or_refused(start in 0..5_u64, count in 0..20_u64, after in 0..30_u64) {
            let mut recent = Recent::new(cursor("a", start));
            for seq in start + 1..=start + count {
                prop_assert!(recent.offer(run("a", seq, &[seq.cast_signed()])));
            }
            let found = recent.after(&cursor("a", after)).map(|entries| entries.map(|entry| entry.cursor.seq).collect::<Vec<_>>());
            let expected = (start..=start + count).contains(&after).then(|| (after + 1..=start + count).collect::<Vec<_>>());
            prop_assert_eq!(found, expected);
            prop_assert!(recent.after(&cursor("b", after)).is_none());
        }
    }
}
