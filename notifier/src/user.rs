//! What concerns users: messages to each other, who is online, whose session has ended, and rate limits.

pub mod messages;
pub mod presence;
pub mod rate_limit;
pub mod sessions;
