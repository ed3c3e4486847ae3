//! Defines what a connection is subscribed to.

use shared::filter::Filter;
use shared::masking::Masking;

use crate::fanout::protocol::Topic;

/// The topics and filter chosen by a client. Connections with equal subscriptions share a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Subscription {
    pub events: bool,
    /// Notifications and read markers.
    pub notifications: bool,
    /// Selects which events are sent.
    pub filter: Filter,
    /// What the client sees of addresses.
    pub masking: Masking,
}

impl Subscription {
    /// Creates a subscription to these topics.
    pub fn new(topics: &[Topic], filter: Filter, masking: Masking) -> Self {
        let has = |topic| topics.contains(&topic);
        Self { events: has(Topic::Events), notifications: has(Topic::Notifications), filter, masking }
    }
}
