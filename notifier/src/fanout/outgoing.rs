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
use crate::feed::entry::{AddressedFrame, FeedEntry};

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
    events: VecDeque<Arc<FeedEntry>>,
    notifications: Vec<Arc<FeedEntry>>,
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
    pub fn push(&mut self, entry: &Arc<FeedEntry>, subscription: &Subscription) {
        self.seen = entry.cursor.clone();
        let wants_event = subscription.events && entry.is_selected_by(&subscription.filter);
        let wants_notification = subscription.notifications && entry.addressed.is_some();
        if wants_event || wants_notification {
            self.first.get_or_insert(entry.cursor.seq);
        }
        if wants_event {
            self.events.push_back(Arc::clone(entry));
        }
        if wants_notification {
            self.notifications.push(Arc::clone(entry));
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
        let is_new = |entry: &&Arc<FeedEntry>| entry.cursor.seq > after;
        let notifications: Vec<&Arc<FeedEntry>> = self.notifications.iter().filter(is_new).collect();
        // As far as frames of events may promise: to the last thing seen, or right before the first notification.
        let mut limit = self.seen.clone();
        if let Some(first) = notifications.first() {
            limit.seq = first.cursor.seq - 1;
        }
        let mut skipped = if self.skipped_to > after { self.skipped } else { 0 };
        let mut events = self.events.iter().filter(is_new).peekable();
        let (mut frames, mut items, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(entry) = events.next() {
            let Some(event) = &entry.event else { continue };
            bytes += event.json.get().len();
            items.push(&*event.json);
            let is_last = events.peek().is_none();
            if is_last || bytes >= LARGEST {
                let cursor = if is_last || entry.cursor.seq > limit.seq { &limit } else { &entry.cursor };
                let text = ServerFrame::Events { cursor, items: std::mem::take(&mut items), skipped }.to_text();
                frames.push((text, cursor.clone()));
                (bytes, skipped) = (0, 0);
            }
        }
        Frames { events: frames, notifications }
    }

    /// When the oldest of what waits came here.
    pub fn oldest(&self) -> Option<std::time::Instant> {
        let first = |entry: Option<&Arc<FeedEntry>>| entry.map(|entry| entry.received);
        first(self.events.front()).into_iter().chain(first(self.notifications.first())).min()
    }
}

/// Frames, in the order in which they are sent.
#[derive(Debug)]
pub struct Frames<'a> {
    events: Vec<(String, Cursor)>,
    notifications: Vec<&'a Arc<FeedEntry>>,
}

impl Frames<'_> {
    /// True when everybody is sent the same.
    pub fn are_for_everyone(&self) -> bool {
        self.notifications.iter().all(|entry| entry.addressed.as_ref().is_some_and(AddressedFrame::is_for_everyone))
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
        for entry in &self.notifications {
            if let Some(frame) = entry.addressed.as_ref().filter(|frame| frame.is_for(user)) {
                put(&frame.text, &entry.cursor);
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
