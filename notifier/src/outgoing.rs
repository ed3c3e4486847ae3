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

    /// The frames for all that waits. Events first: a cursor never promises a notification that has not been sent.
    pub fn take_frames(&mut self) -> Vec<String> {
        let mut frames = Vec::with_capacity(1 + self.notifications.len());
        if !self.events.is_empty() {
            let mut cursor = self.seen.clone();
            if let Some(first) = self.notifications.first() {
                cursor = Cursor { epoch: first.cursor.epoch.clone(), seq: first.cursor.seq - 1 };
            }
            let skipped = self.events.len().saturating_sub(MOST_EVENTS);
            let items = self.events.iter().skip(skipped).filter_map(|live| live.event_json.as_deref()).collect();
            frames.push(ServerFrame::Events { cursor: &cursor, items, skipped }.to_text());
        }
        frames.extend(self.notifications.iter().filter_map(|live| live.notification_frame.clone()));
        self.events.clear();
        self.notifications.clear();
        frames
    }
}
