//! Connections with the same subscription. Each entry is filtered and encoded once for the whole group.
//!
//! Entries are sent immediately after a quiet period. During a burst, events are sent at most ten times a second.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Histogram};
use shared::feed::Cursor;
use shared::masking::Masking;
use shared::session::User;
use tokio::time::Instant;

use crate::fanout::framing::Framing;
use crate::fanout::outgoing::Outgoing;
use crate::transport::writer::ClientWriter;

/// Minimum interval between sending batches of event frames.
const EVENTS_INTERVAL: Duration = Duration::from_millis(100);

/// A connection in a group.
pub struct Subscriber {
    pub connection: u64,
    pub user: Arc<User>,
    pub writer: Arc<ClientWriter>,
    /// The subscriber has every entry up to this sequence number; 0 if it has none.
    pub seen: u64,
}

/// The subscribers that share a subscription and a framing, and their pending entries.
pub struct Group {
    framing: Framing,
    subscribers: Vec<Subscriber>,
    pub outgoing: Outgoing,
    /// When frames with events were last sent.
    events_sent: Option<Instant>,
}

impl Group {
    /// Creates a group without subscribers that starts after `cursor`.
    pub fn new(framing: Framing, cursor: Cursor, masking: Masking) -> Self {
        Self { framing, subscribers: Vec::new(), outgoing: Outgoing::new(cursor, masking), events_sent: None }
    }

    /// Adds a subscriber.
    pub fn add(&mut self, subscriber: Subscriber) {
        self.subscribers.push(subscriber);
    }

    /// Removes a subscriber after sending it the pending entries.
    pub fn remove(&mut self, connection: u64, metrics: &ShardMetrics) {
        if let Some(index) = self.subscribers.iter().position(|subscriber| subscriber.connection == connection) {
            let subscriber = self.subscribers.swap_remove(index);
            self.send(std::slice::from_ref(&subscriber), metrics);
        }
    }

    /// Returns true if the group has no subscribers.
    pub fn is_empty(&self) -> bool {
        self.subscribers.is_empty()
    }

    /// When the pending entries can be sent: at `soonest`, or later if events were just sent. `None` if no entries are pending.
    pub fn due(&self, soonest: Instant) -> Option<Instant> {
        let next_events = self.events_sent.filter(|_| self.outgoing.has_events()).map(|sent| sent + EVENTS_INTERVAL);
        (!self.outgoing.is_empty()).then(|| next_events.unwrap_or(soonest).max(soonest))
    }

    /// Sends the pending entries.
    pub fn flush(&mut self, now: Instant, metrics: &ShardMetrics) {
        self.send(&self.subscribers, metrics);
        if self.outgoing.has_events() {
            self.events_sent = Some(now);
        }
        self.outgoing.clear();
    }

    /// Sends the pending entries and continues after `cursor`, which can be in another epoch.
    pub fn restart(&mut self, cursor: Cursor, metrics: &ShardMetrics) {
        self.send(&self.subscribers, metrics);
        self.outgoing.restart(cursor);
        for subscriber in &mut self.subscribers {
            subscriber.seen = 0;
        }
    }

    /// Sends the pending entries to the subscribers that have not received them. Subscribers that are entitled to the same frames
    /// receive the same bytes.
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

/// Metrics recorded by groups.
pub struct ShardMetrics {
    frames: Counter,
    bytes: Counter,
    /// Seconds between receiving an entry and sending it.
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
