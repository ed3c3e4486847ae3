//! What waits to be sent on one socket: entries that its subscription selects, folded into few frames.
//!
//! Frames go at once when it was quiet, and at most ten times a second in a burst. Notifications are never left out; of more
//! events than a frame takes, the oldest are counted and not sent.

use std::sync::Arc;

use shared::feed::Cursor;
use shared::filter::Filter;
use shared::session::User;

use crate::frame::{ServerFrame, Topic};
use crate::recent::Live;

/// Most events in a frame.
pub const MOST_EVENTS: usize = 500;
/// A frame of events that has grown to this many bytes is full: strangers write subjects, and frames must stay sendable.
const MOST_BYTES: usize = 256 << 10;

/// What a client asked for.
#[derive(Debug, Default)]
pub struct Subscription {
    /// Events and notifications, or one of them.
    pub topics: Vec<Topic>,
    /// Which events.
    pub filter: Filter,
}

impl Subscription {
    fn wants_event(&self, live: &Live) -> bool {
        let search = live.item.search.as_deref().unwrap_or_default();
        self.topics.contains(&Topic::Events) && live.item.event.as_ref().is_some_and(|event| self.filter.matches(event, search))
    }

    fn wants_notification(&self, live: &Live, user: &User) -> bool {
        self.topics.contains(&Topic::Notifications)
            && live.item.notification.as_ref().is_some_and(|notification| notification.concerns(user))
    }
}

/// Selected and not yet sent, in order.
#[derive(Debug)]
pub struct Outgoing {
    /// Everything up to here has been looked at.
    seen: Cursor,
    events: Vec<Arc<Live>>,
    notifications: Vec<Arc<Live>>,
}

impl Outgoing {
    /// Nothing yet, from this place on.
    pub fn new(seen: Cursor) -> Self {
        Self { seen, events: Vec::new(), notifications: Vec::new() }
    }

    /// Looks at the next entry, and keeps it if it is selected. One that was looked at before, as where a replay overlaps
    /// with what was queued, is passed over.
    pub fn push(&mut self, live: &Arc<Live>, subscription: &Subscription, user: &User) {
        if live.cursor.epoch == self.seen.epoch && live.cursor.seq <= self.seen.seq {
            return;
        }
        self.seen = live.cursor.clone();
        if subscription.wants_event(live) {
            self.events.push(Arc::clone(live));
        }
        if subscription.wants_notification(live, user) {
            self.notifications.push(Arc::clone(live));
        }
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.notifications.is_empty()
    }

    /// True when a replay should pause to send.
    pub fn is_full(&self) -> bool {
        self.events.len() >= MOST_EVENTS
    }

    /// The place up to which everything selected has been sent; none while something waits.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.is_empty().then_some(&self.seen)
    }

    /// The frames for all that waits. Events first, and a cursor never promises a notification that has not been sent.
    pub fn take_frames(&mut self) -> Vec<String> {
        let mut frames = Vec::with_capacity(1 + self.notifications.len());
        // As far as frames of events may promise: to the last thing seen, or right before the first notification.
        let mut limit = self.seen.clone();
        if let Some(first) = self.notifications.first() {
            limit = Cursor { epoch: first.cursor.epoch.clone(), seq: first.cursor.seq - 1 };
        }
        let mut skipped = self.events.len().saturating_sub(MOST_EVENTS);
        let mut events = self.events.iter().skip(skipped).peekable();
        let (mut items, mut bytes) = (Vec::new(), 0);
        while let Some(live) = events.next() {
            let Some(json) = live.event_json.as_deref() else { continue };
            bytes += json.get().len();
            items.push(json);
            let is_last = events.peek().is_none();
            if is_last || bytes >= MOST_BYTES {
                let cursor = if is_last || live.cursor.seq > limit.seq { &limit } else { &live.cursor };
                frames.push(ServerFrame::Events { cursor, items: std::mem::take(&mut items), skipped }.to_text());
                (bytes, skipped) = (0, 0);
            }
        }
        frames.extend(self.notifications.iter().filter_map(|live| live.notification_frame.clone()));
        self.events.clear();
        self.notifications.clear();
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recent::{Offered, Recent};
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use shared::feed::Entry;
    use shared::session::Role;
    use std::collections::BTreeSet;

    /// An entry that may carry an event of a kind, and may tell somebody something.
    fn entry(seq: u64, event: Option<&str>, to: Option<&str>) -> Entry {
        let at = "2026-01-02T03:04:05Z";
        let event = event
            .map(|kind| json!({"id": seq, "kind": kind, "occurred_at": at, "received_at": at, "tags": [], "simulated": false}));
        let notification = to.map(|to| json!({"id": seq, "kind": "open", "title": "t", "body": "", "to": to, "at": at}));
        let entry = json!({"epoch": "e", "seq": seq, "item": {"event": event, "search": null, "notification": notification}});
        serde_json::from_value(entry).expect("an entry")
    }

    fn user() -> User {
        User { id: 7, email: "vera@example.com".to_owned(), role: Role::Viewer }
    }

    fn seq_of(cursor: &Value) -> u64 {
        cursor.as_str().and_then(|cursor| cursor.parse::<Cursor>().ok()).expect("a cursor").seq
    }

    proptest! {
        #[test]
        fn a_cursor_promises_only_what_was_sent(
            entries in prop::collection::vec((prop::option::of(prop::sample::select(vec!["open", "send"])),
                prop::option::of(prop::sample::select(vec!["all", "user:7", "user:8", "role:admin"])), any::<bool>()), 1..40)
        ) {
            let mut recent = Recent::new(Cursor { epoch: "e".to_owned(), seq: 0 });
            let mut outgoing = Outgoing::new(recent.cursor().clone());
            let filter = Filter::from_pairs([("kind", "open")]).expect("a filter");
            let subscription = Subscription { topics: vec![Topic::Events, Topic::Notifications], filter };
            let (mut selected, mut received) = (BTreeSet::new(), BTreeSet::new());
            let last = entries.len();
            for (seq, (event, to, flush)) in (1..).zip(entries) {
                let Offered::New(live) = recent.offer(entry(seq, event, to)) else { panic!("it is the next one") };
                outgoing.push(&live, &subscription, &user());
                outgoing.push(&live, &subscription, &user());
                if event == Some("open") {
                    selected.insert((seq, "event"));
                }
                if matches!(to, Some("all" | "user:7")) {
                    selected.insert((seq, "notification"));
                }
                if flush || seq == last as u64 {
                    for frame in outgoing.take_frames() {
                        let frame: Value = serde_json::from_str(&frame).expect("a frame");
                        if frame["type"] == "events" {
                            received.extend(frame["items"].as_array().expect("items").iter().map(|item| (item["id"].as_u64().expect("an id"), "event")));
                        } else {
                            received.insert((frame["id"].as_u64().expect("an id"), "notification"));
                        }
                        let promised = seq_of(&frame["cursor"]);
                        prop_assert!(selected.iter().filter(|(seq, _)| *seq <= promised).all(|one| received.contains(one)));
                    }
                    prop_assert_eq!(outgoing.cursor(), Some(recent.cursor()));
                }
            }
            prop_assert_eq!(received, selected);
        }
    }

    #[test]
    fn of_a_burst_the_newest_are_sent_and_the_rest_is_counted() {
        let mut recent = Recent::new(Cursor { epoch: "e".to_owned(), seq: 0 });
        let mut outgoing = Outgoing::new(recent.cursor().clone());
        let subscription = Subscription { topics: vec![Topic::Events], filter: Filter::default() };
        for seq in 1..=MOST_EVENTS as u64 + 7 {
            let Offered::New(live) = recent.offer(entry(seq, Some("send"), Some("all"))) else { panic!("it is the next one") };
            outgoing.push(&live, &subscription, &user());
        }
        let frames = outgoing.take_frames();
        let frame: Value = serde_json::from_str(&frames[0]).expect("a frame");
        assert_eq!((frames.len(), frame["skipped"].as_u64(), frame["items"][0]["id"].as_u64()), (1, Some(7), Some(8)));
    }
}
