//! User-related features: messages between users, presence, closing connections when a session ends, and rate limits.

pub mod messages;
pub mod presence;
pub mod rate_limit;
pub mod sessions;
