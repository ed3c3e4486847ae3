//! Publishes committed entries to Redis: at least once, in outbox order.

mod error;
pub mod handoff;
mod poison;
pub mod publisher;
