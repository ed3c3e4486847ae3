//! The live feed: from Redis to the recent entries in memory.

pub mod entry;
pub mod history;
pub mod recent;
pub mod subscriber;
