//! Receives the feed from Redis and keeps recent entries in memory.
//!
//! [`subscriber`] receives entries and fills gaps, [`entry`] prepares each entry once for all connections, [`recent`] keeps the
//! newest entries, [`history`] serves polls from shards, and
//! [`write_probe`] finds out whether Redis takes writes.

pub mod entry;
pub mod history;
pub mod recent;
pub mod subscriber;
pub mod write_probe;
