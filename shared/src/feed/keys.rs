//! Redis names of the feed, and how much the stream keeps.

/// The stream that remembers.
pub const STREAM: &str = "ml:feed";
/// Epoch, last number and server of the stream.
pub(super) const META: &str = "ml:feed:meta";
/// Carries opens.
pub const OPEN_CHANNEL: &str = "ml:open";
/// Carries everything else.
pub const FEED_CHANNEL: &str = "ml:feed";
/// Says that the outbox has something new.
pub const WAKE_CHANNEL: &str = "ml:wake";
/// Says that a session ended or a role changed.
pub const SESSIONS_CHANNEL: &str = "ml:sessions";
/// How many items the stream keeps, roughly.
pub const KEEP: usize = 10_000;
