//! What concerns users: messages, presence, sessions and rate limits.

pub mod messages;
pub mod presence;
pub mod rate_limit;
pub mod sessions;
