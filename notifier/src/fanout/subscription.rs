//! What a connection carries.

use shared::filter::Filter;

use crate::fanout::protocol::Topic;

/// What a client asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// Events that the filter selects.
    pub events: bool,
    /// What the user is told.
    pub notifications: bool,
    /// Which events.
    pub filter: Filter,
}

impl Subscription {
    /// Of these topics.
    pub fn new(topics: &[Topic], filter: Filter) -> Self {
        let has = |topic| topics.contains(&topic);
        Self { events: has(Topic::Events), notifications: has(Topic::Notifications), filter }
    }
}
