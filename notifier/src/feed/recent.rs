//! The newest entries of the feed in memory, without holes: from here clients resume, so that a thousand of them coming back
//! at once ask nothing of Redis.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::event::Event;
use shared::feed::{Cursor, KEEP, ReceivedBatch, ReceivedItem};
use shared::filter::Filter;
use shared::notification::{Audience, Notification, ReadMark};
use shared::session::User;

use crate::fanout::protocol::ServerFrame;

/// An entry, with what every socket would otherwise serialise again.
#[derive(Debug)]
pub struct Live {
    /// Its place.
    pub cursor: Cursor,
    /// The event as JSON, as ingest wrote it; none when it is a repeat.
    pub event_json: Option<Box<RawValue>>,
    /// What people are told; none when it is a repeat.
    pub told: Option<Told>,
    /// When it came here.
    pub arrived: Instant,
    event_id: Option<i64>,
    search: String,
    /// Read from the JSON for the first filter that asks.
    event: OnceLock<Option<Box<Event>>>,
}

impl Live {
    /// True when it carries an event that the filter selects.
    pub fn is_selected_by(&self, filter: &Filter) -> bool {
        let Some(json) = &self.event_json else { return false };
        if filter.is_empty() {
            return true;
        }
        let event = self.event.get_or_init(|| serde_json::from_str(json.get()).ok());
        event.as_ref().is_some_and(|event| filter.matches(event, &self.search))
    }
}

/// Something that users are told.
#[derive(Debug)]
pub struct Told {
    /// The whole frame: the same for everybody.
    pub frame: String,
    /// Who is told.
    to: Audience,
    /// Who said it, and is told too.
    from: Option<i64>,
    /// Of a notification.
    id: Option<i64>,
}

impl Told {
    fn of_notification(cursor: &Cursor, mut notification: Notification) -> Self {
        let to = notification.to.clone();
        notification.to = notification.to.to_outside();
        let frame = ServerFrame::Notification { cursor, notification: &notification }.to_text();
        let from = notification.from.as_ref().map(|sender| sender.id);
        Self { frame, to, from, id: Some(notification.id) }
    }

    fn of_read(cursor: &Cursor, read: &ReadMark) -> Self {
        let frame = ServerFrame::Read { cursor, ids: &read.ids, up_to: read.up_to, unread: read.unread }.to_text();
        Self { frame, to: Audience::User(read.user), from: None, id: None }
    }

    /// True when everybody is told.
    pub fn is_for_all(&self) -> bool {
        self.to == Audience::All
    }

    /// True when `user` is told.
    pub fn concerns(&self, user: &User) -> bool {
        self.to.includes(user) || self.from == Some(user.id)
    }
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
        let arrived = Instant::now();
        for item in run.items.into_iter().skip(known) {
            self.take(item, arrived);
        }
        true
    }

    /// The next entry. An event or notification that was relayed before, as after a crash between publishing and forgetting,
    /// keeps its number and loses its content.
    fn take(&mut self, item: ReceivedItem, arrived: Instant) {
        self.cursor.seq += 1;
        let cursor = self.cursor.clone();
        let event_id = item.event.as_deref().and_then(id_of);
        let event_json = item.event.filter(|_| event_id.is_some_and(|id| self.events.insert(id)));
        let notification = item.notification.filter(|notification| self.notifications.insert(notification.id));
        let told = notification.map(|notification| Told::of_notification(&cursor, notification));
        let told = told.or_else(|| item.read.map(|read| Told::of_read(&cursor, &read)));
        let event_id = event_id.filter(|_| event_json.is_some());
        let search = item.search.filter(|_| event_json.is_some()).unwrap_or_default();
        let event = OnceLock::new();
        let live = Live { cursor, event_json, told, arrived, event_id, search, event };
        self.entries.push_back(Arc::new(live));
        if self.entries.len() > KEEP
            && let Some(oldest) = self.entries.pop_front()
        {
            oldest.event_id.map(|id| self.events.remove(&id));
            oldest.told.as_ref().and_then(|told| told.id).map(|id| self.notifications.remove(&id));
        }
    }

    /// What comes after `after`, if all of it is still here.
    pub fn after(&self, after: &Cursor) -> Option<impl Iterator<Item = &Arc<Live>>> {
        if after.epoch != self.cursor.epoch {
            return None;
        }
        let missing = usize::try_from(self.cursor.seq.checked_sub(after.seq)?).ok()?;
        let skip = self.entries.len().checked_sub(missing)?;
        Some(self.entries.range(skip..))
    }
}

/// The id in an event's JSON.
fn id_of(json: &RawValue) -> Option<i64> {
    #[derive(Deserialize)]
    struct Identified {
        id: i64,
    }
    serde_json::from_str::<Identified>(json.get()).ok().map(|event| event.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        let ids: Vec<_> = recent.after(&cursor("a", 10)).expect("all of it").map(|live| live.event_id).collect();
        assert_eq!(ids, [Some(7), Some(8)]);
    }

    #[test]
    fn a_repeated_event_keeps_its_number_and_loses_its_content() {
        let mut recent = Recent::new(cursor("a", 0));
        assert!(recent.offer(run("a", 1, &[7, 8, 7])));
        let has: Vec<bool> = recent.after(&cursor("a", 0)).expect("all").map(|live| live.event_json.is_some()).collect();
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
            let found = recent.after(&cursor("a", after)).map(|entries| entries.map(|live| live.cursor.seq).collect::<Vec<_>>());
            let expected = (start..=start + count).contains(&after).then(|| (after + 1..=start + count).collect::<Vec<_>>());
            prop_assert_eq!(found, expected);
            prop_assert!(recent.after(&cursor("b", after)).is_none());
        }
    }
}
