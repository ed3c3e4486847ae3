//! What waits to be sent to those with one subscription: entries that it selects, folded into few frames.
//!
//! Frames go at once when it was quiet, and events at most ten times a second in a burst. Notifications are never left out; of
//! more events than a frame takes, the oldest are counted and not sent.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use shared::feed::Cursor;
use shared::session::User;

use crate::fanout::framing::Framing;
use crate::fanout::protocol::ServerFrame;
use crate::fanout::subscription::Subscription;
use crate::feed::recent::{Live, Told};

/// Most events that wait.
pub const MOST_EVENTS: usize = 500;
/// A frame of events that has grown to this many bytes is full: strangers write subjects, and frames must stay sendable.
const LARGEST: usize = 256 << 10;
/// Frames are sent together in chunks of about this many bytes.
const CHUNK: usize = 32 << 10;

/// Selected and not yet sent, in order.
#[derive(Debug)]
pub struct Outgoing {
    /// Everything up to here has been looked at.
    seen: Cursor,
    events: VecDeque<Arc<Live>>,
    notifications: Vec<Arc<Live>>,
    /// The number of the first entry that waits or was left out.
    first: Option<u64>,
    /// Events left out, and the number of the last of them.
    skipped: usize,
    skipped_to: u64,
}

impl Outgoing {
    /// Nothing yet, from this place on.
    pub fn new(seen: Cursor) -> Self {
        Self { seen, events: VecDeque::new(), notifications: Vec::new(), first: None, skipped: 0, skipped_to: 0 }
    }

    /// Looks at the next entry, and keeps it if it is selected.
    pub fn push(&mut self, live: &Arc<Live>, subscription: &Subscription) {
        self.seen = live.cursor.clone();
        let wants_event = subscription.events && live.is_selected_by(&subscription.filter);
        let wants_notification = subscription.notifications && live.told.is_some();
        if wants_event || wants_notification {
            self.first.get_or_insert(live.cursor.seq);
        }
        if wants_event {
            self.events.push_back(Arc::clone(live));
        }
        if wants_notification {
            self.notifications.push(Arc::clone(live));
        }
        if self.events.len() > MOST_EVENTS
            && let Some(oldest) = self.events.pop_front()
        {
            self.skipped += 1;
            self.skipped_to = oldest.cursor.seq;
        }
    }

    /// Goes on at another place, or at the same, without anything waiting.
    pub fn restart(&mut self, seen: Cursor) {
        *self = Self::new(seen);
    }

    /// All that waited has been sent.
    pub fn clear(&mut self) {
        self.restart(self.seen.clone());
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.notifications.is_empty()
    }

    /// True when events wait, whose frames are limited in number.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// The number of the first entry that waits or was left out.
    pub fn first(&self) -> Option<u64> {
        self.first
    }

    /// The place up to which everything selected has been sent; none while something waits.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.is_empty().then_some(&self.seen)
    }

    /// The frames for all that waits and came after number `after`. Events first, and a cursor never promises a notification
    /// that has not been sent.
    pub fn frames(&self, after: u64) -> Frames<'_> {
        let is_new = |live: &&Arc<Live>| live.cursor.seq > after;
        let notifications: Vec<&Arc<Live>> = self.notifications.iter().filter(is_new).collect();
        // As far as frames of events may promise: to the last thing seen, or right before the first notification.
        let mut limit = self.seen.clone();
        if let Some(first) = notifications.first() {
            limit.seq = first.cursor.seq - 1;
        }
        let mut skipped = if self.skipped_to > after { self.skipped } else { 0 };
        let mut events = self.events.iter().filter(is_new).peekable();
        let (mut frames, mut items, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(live) = events.next() {
            let Some(json) = live.event_json.as_deref() else { continue };
            bytes += json.get().len();
            items.push(json);
            let is_last = events.peek().is_none();
            if is_last || bytes >= LARGEST {
                let cursor = if is_last || live.cursor.seq > limit.seq { &limit } else { &live.cursor };
                let text = ServerFrame::Events { cursor, items: std::mem::take(&mut items), skipped }.to_text();
                frames.push((text, cursor.clone()));
                (bytes, skipped) = (0, 0);
            }
        }
        Frames { events: frames, notifications }
    }

    /// When the oldest of what waits came here.
    pub fn oldest(&self) -> Option<std::time::Instant> {
        let first = |live: Option<&Arc<Live>>| live.map(|live| live.arrived);
        first(self.events.front()).into_iter().chain(first(self.notifications.first())).min()
    }
}

/// Frames, in the order in which they are sent.
#[derive(Debug)]
pub struct Frames<'a> {
    events: Vec<(String, Cursor)>,
    notifications: Vec<&'a Arc<Live>>,
}

impl Frames<'_> {
    /// True when everybody is sent the same.
    pub fn are_for_all(&self) -> bool {
        let for_all = |live: &&&Arc<Live>| live.told.as_ref().is_some_and(Told::is_for_all);
        self.notifications.iter().filter(for_all).count() == self.notifications.len()
    }

    /// As bytes, in chunks: what this user may see.
    pub fn encode(&self, framing: Framing, user: &User) -> Burst {
        let (mut chunks, mut frames) = (Vec::new(), 0);
        let mut chunk = Vec::new();
        let mut put = |text: &str, cursor: &Cursor| {
            framing.put(&mut chunk, text, Some(cursor));
            frames += 1;
            if chunk.len() >= CHUNK {
                chunks.push(Bytes::from(std::mem::take(&mut chunk)));
            }
        };
        for (text, cursor) in &self.events {
            put(text, cursor);
        }
        for live in &self.notifications {
            if let Some(told) = live.told.as_ref().filter(|told| told.concerns(user)) {
                put(&told.frame, &live.cursor);
            }
        }
        if !chunk.is_empty() {
            chunks.push(chunk.into());
        }
        Burst { chunks, frames }
    }
}

/// Bytes to be sent one after the other.
#[derive(Debug)]
pub struct Burst {
    /// Each a few whole frames, or one.
    pub chunks: Vec<Bytes>,
    /// How many frames they hold.
    pub frames: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::recent::Recent;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use shared::feed::{ReceivedBatch, ReceivedItem};
    use shared::filter::Filter;
    use shared::session::Role;
    use std::collections::BTreeSet;

    /// An item that may carry an event of a kind, and may tell somebody something.
    fn item(seq: u64, event: Option<&str>, to: Option<&str>) -> ReceivedItem {
        let at = "2026-01-02T03:04:05Z";
        let event = event
            .map(|kind| json!({"id": seq, "kind": kind, "occurred_at": at, "received_at": at, "tags": [], "simulated": false}));
        let notification = to.map(|to| json!({"id": seq, "kind": "open", "title": "t", "body": "", "to": to, "at": at}));
        let item = json!({"event": event, "search": null, "notification": notification});
        serde_json::from_value(item).expect("an item")
    }

    fn offer(recent: &mut Recent, item: ReceivedItem) -> Arc<Live> {
        let before = recent.cursor().clone();
        assert!(recent.offer(ReceivedBatch { after: before.clone(), items: vec![item], unreadable: 0 }));
        Arc::clone(recent.after(&before).expect("the next one").next().expect("the next one"))
    }

    fn start() -> Cursor {
        Cursor { epoch: "e".into(), seq: 0 }
    }

    fn user() -> User {
        User { id: 7, email: "vera@example.com".to_owned(), role: Role::Viewer }
    }

    fn seq_of(cursor: &Value) -> u64 {
        cursor.as_str().and_then(|cursor| cursor.parse::<Cursor>().ok()).expect("a cursor").seq
    }

    /// The frames of a burst of server-sent events.
    fn frames_of(outgoing: &Outgoing, after: u64) -> Vec<Value> {
        let burst = outgoing.frames(after).encode(Framing::EventStream, &user());
        let text = burst.chunks.iter().map(|chunk| String::from_utf8_lossy(chunk)).collect::<String>();
        let frames: Vec<Value> = text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|line| serde_json::from_str(line).expect("a frame"))
            .collect();
        assert_eq!(frames.len(), burst.frames);
        frames
    }

    proptest! {
        #[test]
        fn a_cursor_promises_only_what_was_sent(
            entries in prop::collection::vec((prop::option::of(prop::sample::select(vec!["open", "send"])),
                prop::option::of(prop::sample::select(vec!["all", "user:7", "user:8", "role:admin"])), any::<bool>()), 1..40),
            from in 0..20_u64
        ) {
            let mut recent = Recent::new(start());
            let mut outgoing = Outgoing::new(start());
            let filter = Filter::from_pairs([("kind", "open")]).expect("a filter");
            let subscription = Subscription { events: true, notifications: true, filter };
            let (mut selected, mut received) = (BTreeSet::new(), BTreeSet::new());
            let last = entries.len();
            for (seq, (event, to, flush)) in (1..).zip(entries) {
                outgoing.push(&offer(&mut recent, item(seq, event, to)), &subscription);
                if event == Some("open") && seq > from {
                    selected.insert((seq, "event"));
                }
                if matches!(to, Some("all" | "user:7")) && seq > from {
                    selected.insert((seq, "notification"));
                }
                if flush || seq == last as u64 {
                    for frame in frames_of(&outgoing, from) {
                        let mut ids = Vec::new();
                        if frame["type"] == "events" {
                            ids.extend(frame["items"].as_array().expect("items").iter().map(|item| (item["id"].as_u64().expect("an id"), "event")));
                        } else {
                            ids.push((frame["id"].as_u64().expect("an id"), "notification"));
                        }
                        for id in ids {
                            prop_assert!(received.insert(id), "each once");
                        }
                        let promised = seq_of(&frame["cursor"]);
                        prop_assert!(selected.iter().filter(|(seq, _)| *seq <= promised).all(|one| received.contains(one)));
                    }
                    outgoing.clear();
                    prop_assert_eq!(outgoing.cursor(), Some(recent.cursor()));
                }
            }
            prop_assert_eq!(received, selected);
        }
    }

    #[test]
    fn of_a_burst_the_newest_are_sent_and_the_rest_is_counted() {
        let mut recent = Recent::new(start());
        let mut outgoing = Outgoing::new(start());
        let subscription = Subscription { events: true, ..Subscription::default() };
        for seq in 1..=MOST_EVENTS as u64 + 7 {
            outgoing.push(&offer(&mut recent, item(seq, Some("send"), Some("all"))), &subscription);
        }
        let frames = frames_of(&outgoing, 0);
        assert_eq!((frames.len(), &frames[0]["skipped"], &frames[0]["items"][0]["id"]), (1, &json!(7), &json!(8)));
        assert_eq!(outgoing.first(), Some(1), "what was left out counts as waiting");
        assert_eq!(frames_of(&outgoing, 7)[0]["skipped"], json!(null), "to whoever has had those, nothing was left out");
    }

    #[test]
    fn what_is_not_for_all_is_made_for_each() {
        let mut recent = Recent::new(start());
        let mut outgoing = Outgoing::new(start());
        let subscription = Subscription { notifications: true, ..Subscription::default() };
        outgoing.push(&offer(&mut recent, item(1, None, Some("all"))), &subscription);
        assert!(outgoing.frames(0).are_for_all());
        outgoing.push(&offer(&mut recent, item(2, None, Some("user:8"))), &subscription);
        assert!(!outgoing.frames(0).are_for_all());
        let ids: Vec<Value> = frames_of(&outgoing, 0).iter().map(|frame| frame["id"].clone()).collect();
        assert_eq!(ids, [json!(1)]);
    }
}
