//! Publishes committed entries to Redis at least once and in outbox order.

mod error;
pub mod handoff;
mod poison;
pub mod publisher;
