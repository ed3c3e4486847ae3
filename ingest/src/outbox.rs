//! Publishes committed entries to Redis at least once and in outbox order.

mod error;
mod feed_writer;
pub mod handoff;
mod poison;
pub mod publisher;
mod restored;
