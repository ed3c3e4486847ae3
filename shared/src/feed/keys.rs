//! The feed's Redis keys and channels.

/// The stream that holds the feed's history. Like the other keys, it is prefixed by [`crate::redis::Connection::key`].
pub(super) const STREAM: &str = "feed";
/// A hash that contains the stream's epoch, last number and server, and the position of the database.
pub(super) const META: &str = "feed:meta";
/// A key that probes write, and that expires by itself.
pub(super) const WRITE_PROBE: &str = "write-probe";
/// The channel for opens.
pub const OPEN_CHANNEL: &str = "ml:open";
/// The channel for everything except opens.
pub const FEED_CHANNEL: &str = "ml:feed";
/// Signals new outbox rows.
pub const WAKE_CHANNEL: &str = "ml:wake";
/// Signals that a session ended or a role changed.
pub const SESSIONS_CHANNEL: &str = "ml:sessions";
