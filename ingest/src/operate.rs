//! Commands and upkeep.

pub mod alarm;
pub mod answer;
mod backfill;
pub mod doctor;
pub mod erase;
mod facets;
pub mod gauges;
pub mod mandrill_api;
pub mod merge;
pub mod migrate;
pub mod partitions;
pub mod printable;
pub mod quarantine;
pub mod refusals;
pub mod retention;
pub mod simulate;
pub mod upkeep;
pub mod webhook;
