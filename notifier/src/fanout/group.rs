//! Connections with the same subscription. An entry is filtered and encoded once for all of them.
//!
//! Entries are sent at once when it was quiet, and events at most ten times a second in a burst.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Histogram};
use shared::feed::Cursor;
use shared::session::User;
use tokio::time::Instant;

use crate::fanout::framing::Framing;
use crate::fanout::outgoing::Outgoing;
use crate::transport::writer::ClientWriter;

/// The shortest time between two bursts of frames with events.
const EVENTS_INTERVAL: Duration = Duration::from_millis(100);

/// A connection in a group.
pub struct Subscriber {
    pub connection: u64,
    pub user: Arc<User>,
    pub writer: Arc<ClientWriter>,
    /// It has every entry up to this number; 0 for none.
    pub seen: u64,
}

/// The subscribers of one subscription with one framing, and the entries that wait for them.
pub struct Group {
    framing: Framing,
    subscribers: Vec<Subscriber>,
    pub outgoing: Outgoing,
    /// When frames with events were last sent.
    events_sent: Option<Instant>,
}

impl Group {
    /// A group without subscribers, for the entries after `cursor`.
    pub fn new(framing: Framing, cursor: Cursor) -> Self {
        Self { framing, subscribers: Vec::new(), outgoing: Outgoing::new(cursor), events_sent: None }
    }

    /// Adds a subscriber.
    pub fn add(&mut self, subscriber: Subscriber) {
        self.subscribers.push(subscriber);
    }

    /// Removes a subscriber, after sending it the waiting entries.
    pub fn remove(&mut self, connection: u64, metrics: &ShardMetrics) {
        if let Some(index) = self.subscribers.iter().position(|subscriber| subscriber.connection == connection) {
            let subscriber = self.subscribers.swap_remove(index);
            self.send(std::slice::from_ref(&subscriber), metrics);
        }
    }

    /// True when the group has no subscribers.
    pub fn is_empty(&self) -> bool {
        self.subscribers.is_empty()
    }

    /// When the waiting entries may be sent: at `soonest`, or later if events were sent just before. `None` without entries.
    pub fn due(&self, soonest: Instant) -> Option<Instant> {
        let next_events = self.events_sent.filter(|_| self.outgoing.has_events()).map(|sent| sent + EVENTS_INTERVAL);
        (!self.outgoing.is_empty()).then(|| next_events.unwrap_or(soonest).max(soonest))
    }

    /// Sends the waiting entries.
    pub fn flush(&mut self, now: Instant, metrics: &ShardMetrics) {
        self.send(&self.subscribers, metrics);
        if self.outgoing.has_events() {
            self.events_sent = Some(now);
        }
        self.outgoing.clear();
    }

    /// Sends the waiting entries and continues after `cursor`, possibly in another epoch.
    pub fn restart(&mut self, cursor: Cursor, metrics: &ShardMetrics) {
        self.send(&self.subscribers, metrics);
        self.outgoing.restart(cursor);
        for subscriber in &mut self.subscribers {
            subscriber.seen = 0;
        }
    }

    /// Sends the waiting entries to those who have not seen them: the same bytes to all, as far as they may see the same.
    fn send(&self, subscribers: &[Subscriber], metrics: &ShardMetrics) {
        let (Some(first), Some(any)) = (self.outgoing.first_seq(), subscribers.first()) else { return };
        let frames = self.outgoing.frames(0);
        let shared = frames.are_for_everyone().then(|| frames.encode(self.framing, &any.user));
        let (mut sent, mut bytes) = (0, 0);
        for subscriber in subscribers {
            let own;
            let burst = match &shared {
                Some(shared) if subscriber.seen < first => shared,
                _ => {
                    let after = if subscriber.seen < first { 0 } else { subscriber.seen };
                    own = self.outgoing.frames(after).encode(self.framing, &subscriber.user);
                    &own
                }
            };
            for chunk in &burst.chunks {
                bytes += chunk.len();
                subscriber.writer.send(chunk.clone());
            }
            sent += burst.frames;
        }
        metrics.frames.increment(sent as u64);
        metrics.bytes.increment(bytes as u64);
        if let Some(oldest) = self.outgoing.oldest() {
            metrics.lag.record(oldest.elapsed());
        }
    }
}

/// What groups count.
pub struct ShardMetrics {
    frames: Counter,
    bytes: Counter,
    /// Seconds from receiving an entry to sending it.
    lag: Histogram,
}

impl Default for ShardMetrics {
    fn default() -> Self {
        Self {
            frames: metrics::counter!("notifier_frames_sent_total"),
            bytes: metrics::counter!("notifier_bytes_sent_total"),
            lag: metrics::histogram!("notifier_lag_seconds"),
        }
    }
}
