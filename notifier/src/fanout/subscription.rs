//! What a connection subscribes to.

use shared::filter::Filter;

use crate::fanout::protocol::Topic;

/// The topics and the filter that a client chose. Equal subscriptions share a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Subscription {
    pub events: bool,
    /// Notifications and read marks.
    pub notifications: bool,
    /// Selects among the events.
    pub filter: Filter,
}

impl Subscription {
    /// A subscription to these topics.
    pub fn new(topics: &[Topic], filter: Filter) -> Self {
        let has = |topic| topics.contains(&topic);
        Self { events: has(Topic::Events), notifications: has(Topic::Notifications), filter }
    }
}
