//! The feed carries committed items to browsers: live on two Redis channels, and as history in a Redis stream.
//!
//! A run is a sequence of items that share one stream entry and one published message. A script numbers the items of a run
//! consecutively, and appends and publishes the run in one step. Readers that notice a gap in the numbers fill it by reading the
//! stream. An epoch identifies an unbroken series of numbers. A new epoch begins when the stream is lost or the server is a
//! different one, because earlier numbers are then no longer reliable.

mod cursor;
mod database;
mod encode;
mod item;
mod keys;
mod probe;
mod receive;
mod script;

pub use cursor::{Cursor, CursorError};
pub use database::{DatabasePosition, note_position, noted_position};
pub use encode::EncodedBatch;
pub use item::{ChangedVerdict, FeedItem, ReceivedItem, RefetchReason};
pub use keys::{FEED_CHANNEL, OPEN_CHANNEL, SESSIONS_CHANNEL, WAKE_CHANNEL};
pub use probe::{WriteProbe, probe_writes};
pub use receive::ReceivedBatch;
pub use script::{Page, append, end, forget, read};
