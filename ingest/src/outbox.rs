//! From the commit to Redis: at least once, in the order of the outbox.

mod error;
pub mod handoff;
mod poison;
pub mod publisher;
