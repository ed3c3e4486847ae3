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
mod tests;
