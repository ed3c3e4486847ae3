//! Background jobs of a running service.

pub(crate) mod actor_review;
pub mod alarms;
pub mod archive;
pub(crate) mod audit_stream;
pub(crate) mod background;
pub(crate) mod counts;
pub mod facets;
pub mod gin_pending;
pub mod key_window;
pub(crate) mod probes;
pub mod refusals;
pub(crate) mod replica_lag;
pub mod retention;
pub mod upkeep;
