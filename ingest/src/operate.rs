//! Commands and upkeep.

pub mod healthcheck;
pub mod migrate;
pub mod partitions;
pub mod simulate;
pub mod upkeep;
