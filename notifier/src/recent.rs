//! The newest entries of the feed in memory, without holes: from here clients resume, so that a thousand of them coming back
//! at once ask nothing of Redis.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use serde_json::value::RawValue;
use shared::feed::{Cursor, Entry, Item, KEEP};

use crate::frame::ServerFrame;

/// An entry, with what every socket would otherwise serialise again.
#[derive(Debug)]
pub struct Live {
    /// Its place.
    pub cursor: Cursor,
    /// What it carries; emptied when it is a repeat.
    pub item: Item,
    /// The event as JSON.
    pub event_json: Option<Box<RawValue>>,
    /// The whole `notification` frame: the same for everybody.
    pub notification_frame: Option<String>,
}

impl Live {
    fn new(cursor: Cursor, item: Item) -> Self {
        let event_json = item.event.as_ref().and_then(|event| serde_json::value::to_raw_value(event).ok());
        let notification_frame =
            item.notification.as_ref().map(|notification| ServerFrame::Notification { cursor: &cursor, notification }.to_text());
        Self { cursor, item, event_json, notification_frame }
    }
}

/// What became of an entry offered.
#[derive(Debug)]
pub enum Offered {
    /// It is the next one.
    New(Arc<Live>),
    /// Its number has been had.
    Known,
    /// Numbers are missing before it, or it is of another epoch: read the stream.
    Hole,
}

/// Entries `cursor.seq - entries.len() + 1 ..= cursor.seq` of one epoch.
#[derive(Debug)]
pub struct Recent {
    cursor: Cursor,
    entries: VecDeque<Arc<Live>>,
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

    /// Takes the entry if it is the next one. An event or notification that was relayed before, as after a crash between
    /// publishing and forgetting, keeps its number and loses its content.
    pub fn offer(&mut self, entry: Entry) -> Offered {
        if entry.epoch != self.cursor.epoch || entry.seq > self.cursor.seq + 1 {
            return Offered::Hole;
        }
        if entry.seq <= self.cursor.seq {
            return Offered::Known;
        }
        let mut item = entry.item;
        item.event = item.event.take().filter(|event| self.events.insert(event.id));
        item.notification = item.notification.take().filter(|notification| self.notifications.insert(notification.id));
        self.cursor.seq = entry.seq;
        let live = Arc::new(Live::new(self.cursor.clone(), item));
        self.entries.push_back(Arc::clone(&live));
        if self.entries.len() > KEEP
            && let Some(oldest) = self.entries.pop_front()
        {
            oldest.item.event.as_ref().map(|event| self.events.remove(&event.id));
            oldest.item.notification.as_ref().map(|notification| self.notifications.remove(&notification.id));
        }
        Offered::New(live)
    }

    /// Everything after `after`, if all of it is still here.
    pub fn after(&self, after: &Cursor) -> Option<Vec<Arc<Live>>> {
        if after.epoch != self.cursor.epoch {
            return None;
        }
        let missing = usize::try_from(self.cursor.seq.checked_sub(after.seq)?).ok()?;
        let skip = self.entries.len().checked_sub(missing)?;
        Some(self.entries.iter().skip(skip).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cursor(epoch: &str, seq: u64) -> Cursor {
        Cursor { epoch: epoch.to_owned(), seq }
    }

    fn entry(epoch: &str, seq: u64, event: i64) -> Entry {
        let event = format!(
            r#"{{"id":{event},"kind":"open","occurred_at":"2026-01-02T03:04:05Z","received_at":"2026-01-02T03:05:00Z",
                "tags":[],"simulated":false}}"#
        );
        let event = serde_json::from_str(&event).expect("an event");
        Entry { epoch: epoch.to_owned(), seq, item: Item { event: Some(event), search: None, notification: None } }
    }

    #[test]
    fn only_the_next_entry_is_taken() {
        let mut recent = Recent::new(cursor("a", 10));
        assert!(matches!(recent.offer(entry("a", 12, 1)), Offered::Hole));
        assert!(matches!(recent.offer(entry("b", 11, 1)), Offered::Hole));
        assert!(matches!(recent.offer(entry("a", 10, 1)), Offered::Known));
        assert!(matches!(recent.offer(entry("a", 11, 1)), Offered::New(_)));
        assert_eq!(recent.cursor(), &cursor("a", 11));
    }

    #[test]
    fn a_repeated_event_keeps_its_number_and_loses_its_content() {
        let mut recent = Recent::new(cursor("a", 0));
        assert!(matches!(recent.offer(entry("a", 1, 7)), Offered::New(live) if live.event_json.is_some()));
        assert!(matches!(recent.offer(entry("a", 2, 7)), Offered::New(live) if live.event_json.is_none()));
    }

    proptest! {
        #[test]
        fn a_resume_is_whole_or_refused(start in 0..5_u64, count in 0..20_u64, after in 0..30_u64) {
            let mut recent = Recent::new(cursor("a", start));
            for seq in start + 1..=start + count {
                let taken = matches!(recent.offer(entry("a", seq, seq.cast_signed())), Offered::New(_));
                prop_assert!(taken);
            }
            let found = recent.after(&cursor("a", after)).map(|entries| entries.iter().map(|live| live.cursor.seq).collect::<Vec<_>>());
            let expected = (start..=start + count).contains(&after).then(|| (after + 1..=start + count).collect::<Vec<_>>());
            prop_assert_eq!(found, expected);
            prop_assert!(recent.after(&cursor("b", after)).is_none());
        }
    }
}
