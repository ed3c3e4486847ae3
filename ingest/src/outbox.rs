//! From the commit to Redis: at least once, in the outbox's order.

pub mod handoff;
pub mod publisher;
