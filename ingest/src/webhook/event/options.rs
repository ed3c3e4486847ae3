//! What the result of reading an element depends on, besides its text.

use time::OffsetDateTime;

/// What the result of reading an element depends on, besides its text.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions {
    /// True if the element was posted by a user or an API token.
    pub simulated: bool,
    /// The current time.
    pub now: OffsetDateTime,
    /// Sync events with a later timestamp are identified by their sender too.
    pub sync_senders_from: OffsetDateTime,
}

impl ReadOptions {
    /// Options for reading an element from Mandrill at `now`, identified in the newest way.
    pub fn at(now: OffsetDateTime) -> Self {
        Self { simulated: false, now, sync_senders_from: OffsetDateTime::UNIX_EPOCH }
    }
}
