//! Commands and upkeep.

pub mod migrate;
pub mod partitions;
pub mod simulate;
pub mod upkeep;
