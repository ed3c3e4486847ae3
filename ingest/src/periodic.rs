//! What a running service does by the clock.

pub mod alarms;
pub mod backfill;
pub mod facets;
pub mod gin_pending;
pub mod refusals;
pub mod retention;
pub mod upkeep;
