//! From Redis to the recent entries in memory.
//!
//! [`subscriber`] receives entries and fills gaps, [`entry`] prepares one for all connections, [`recent`] keeps the newest,
//! and [`history`] answers the polls of shards.

pub mod entry;
pub mod history;
pub mod recent;
pub mod subscriber;
