//! What travels from commit to browser: numbered items in a Redis stream (memory) and on two channels (live).
//!
//! A script gives each item the next number, and appends and publishes runs of them, all at once. Readers see a hole in the
//! numbers and fill it from the stream. An epoch names an unbroken series of numbers: a new one begins when the stream is
//! gone or the server is another one, since what was published before can then no longer be vouched for.

mod cursor;
mod encode;
mod item;
mod keys;
mod receive;
mod script;

pub use cursor::{Cursor, CursorError};
pub use encode::EncodedBatch;
pub use item::{FeedItem, ReceivedItem};
pub use keys::{FEED_CHANNEL, KEEP, OPEN_CHANNEL, SESSIONS_CHANNEL, STREAM, WAKE_CHANNEL};
pub use receive::ReceivedBatch;
pub use script::{Page, append, end, read};
