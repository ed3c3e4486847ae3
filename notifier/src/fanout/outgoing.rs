//! The pending entries for the connections that share a subscription, and the frames into which they are combined.
//!
//! All notifications are sent. If more than [`MAX_EVENTS`] events are pending, the oldest are counted but not sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use shared::feed::Cursor;
use shared::masking::Masking;
use shared::session::User;

use crate::fanout::framing::Framing;
use crate::fanout::protocol::ServerFrame;
use crate::fanout::subscription::Subscription;
use crate::feed::entry::{AddressedFrame, FeedEntry};

/// Maximum number of pending events.
pub const MAX_EVENTS: usize = 500;
/// No more events are added to a frame once it reaches this size in bytes, since senders control the length of subjects.
const FULL_FRAME: usize = 256 << 10;
/// No more frames are added to a chunk once it reaches this size in bytes.
const FULL_CHUNK: usize = 32 << 10;

/// The selected entries that have not been sent yet, in order.
#[derive(Debug)]
pub struct Outgoing {
    /// Every entry up to this cursor has been pushed.
    seen: Cursor,
    events: VecDeque<Arc<FeedEntry>>,
    notifications: Vec<Arc<FeedEntry>>,
    /// The sequence number of the first entry that is pending or was skipped.
    first_seq: Option<u64>,
    /// How many events were skipped, and the sequence number of the last skipped event.
    skipped: usize,
    skipped_to: u64,
    /// What the clients see of addresses.
    masking: Masking,
}

impl Outgoing {
    /// Starts without pending entries; the next entry follows `seen`.
    pub fn new(seen: Cursor, masking: Masking) -> Self {
        Self { seen, events: VecDeque::new(), notifications: Vec::new(), first_seq: None, skipped: 0, skipped_to: 0, masking }
    }

    /// Adds the next entry if the subscription selects it.
    pub fn push(&mut self, entry: &Arc<FeedEntry>, subscription: &Subscription) {
        self.seen = entry.cursor.clone();
        let wants_event = subscription.events && entry.is_selected_by(&subscription.filter);
        let is_of_topic = |frame: &AddressedFrame| subscription.notifications || frame.concerns_all_topics;
        let wants_notification =
            entry.addressed.as_ref().is_some_and(is_of_topic) && entry.is_frame_visible(&subscription.filter.visibility);
        if wants_event || wants_notification {
            self.first_seq.get_or_insert(entry.cursor.seq);
        }
        if wants_event {
            self.events.push_back(Arc::clone(entry));
        }
        if wants_notification {
            self.notifications.push(Arc::clone(entry));
        }
        if self.events.len() > MAX_EVENTS
            && let Some(oldest) = self.events.pop_front()
        {
            self.skipped += 1;
            self.skipped_to = oldest.cursor.seq;
        }
    }

    /// Drops the pending entries and continues after `seen`.
    pub fn restart(&mut self, seen: Cursor) {
        *self = Self::new(seen, std::mem::take(&mut self.masking));
    }

    /// Drops the pending entries after they have been sent.
    pub fn clear(&mut self) {
        self.restart(self.seen.clone());
    }

    /// Returns true if no entries are pending.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.notifications.is_empty()
    }

    /// Returns true if events are pending. Event frames are rate-limited.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// The sequence number of the first entry that is pending or was skipped.
    pub fn first_seq(&self) -> Option<u64> {
        self.first_seq
    }

    /// The cursor up to which every selected entry has been sent; `None` while entries are pending.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.is_empty().then_some(&self.seen)
    }

    /// Returns the frames for the pending entries after sequence number `after`. Events come first, and a frame's cursor never
    /// covers a notification that has not been sent yet.
    pub fn frames(&self, after: u64) -> Frames<'_> {
        let is_new = |entry: &&Arc<FeedEntry>| entry.cursor.seq > after;
        let notifications: Vec<&Arc<FeedEntry>> = self.notifications.iter().filter(is_new).collect();
        // The highest cursor that an event frame can have: the last entry pushed, or the one before the first notification.
        let mut limit = self.seen.clone();
        if let Some(first) = notifications.first() {
            limit.seq = first.cursor.seq - 1;
        }
        let mut skipped = if self.skipped_to > after { self.skipped } else { 0 };
        let mut events = self.events.iter().filter(is_new).peekable();
        let (mut frames, mut items, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(entry) = events.next() {
            let Some(event) = &entry.event else { continue };
            let json = event.json(&self.masking);
            bytes += json.get().len();
            items.push(json);
            let is_last = events.peek().is_none();
            if is_last || bytes >= FULL_FRAME {
                let cursor = if is_last || entry.cursor.seq > limit.seq { &limit } else { &entry.cursor };
                let text = ServerFrame::Events { cursor, items: std::mem::take(&mut items), skipped }.to_text();
                frames.push((text, cursor.clone()));
                (bytes, skipped) = (0, 0);
            }
        }
        Frames { events: frames, notifications, masking: &self.masking }
    }

    /// When the oldest pending entry was received.
    pub fn oldest(&self) -> Option<Instant> {
        let received = |entry: Option<&Arc<FeedEntry>>| entry.map(|entry| entry.received);
        received(self.events.front()).into_iter().chain(received(self.notifications.first())).min()
    }
}

/// Frames in sending order.
#[derive(Debug)]
pub struct Frames<'a> {
    /// The text and cursor of each event frame.
    events: Vec<(String, Cursor)>,
    notifications: Vec<&'a Arc<FeedEntry>>,
    masking: &'a Masking,
}

impl Frames<'_> {
    /// Returns true if every user receives the same frames.
    pub fn are_for_everyone(&self) -> bool {
        self.notifications.iter().all(|entry| entry.addressed.as_ref().is_some_and(AddressedFrame::is_for_everyone))
    }

    /// Encodes the frames that this user is allowed to see.
    pub fn encode(&self, framing: Framing, user: &User) -> Burst {
        let (mut chunks, mut frames) = (Vec::new(), 0);
        let mut chunk = Vec::new();
        let mut put = |text: &str, cursor: &Cursor| {
            framing.put(&mut chunk, text, Some(cursor));
            frames += 1;
            if chunk.len() >= FULL_CHUNK {
                chunks.push(Bytes::from(std::mem::take(&mut chunk)));
            }
        };
        for (text, cursor) in &self.events {
            put(text, cursor);
        }
        for entry in &self.notifications {
            if let Some(frame) = entry.addressed.as_ref().filter(|frame| frame.is_for(user)) {
                put(frame.text(self.masking), &entry.cursor);
            }
        }
        if !chunk.is_empty() {
            chunks.push(chunk.into());
        }
        Burst { chunks, frames }
    }
}

/// Encoded frames, sent one chunk at a time.
#[derive(Debug)]
pub struct Burst {
    /// Each chunk contains only complete frames.
    pub chunks: Vec<Bytes>,
    /// The total number of frames in the chunks.
    pub frames: usize,
}

#[cfg(test)]
mod tests;
