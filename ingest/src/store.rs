//! Postgres: the statements that commit deliveries, and those that the API reads and writes with. Nothing here knows HTTP.

pub(crate) mod accounts;
pub mod commit;
pub(crate) mod copy;
pub mod counts;
pub mod events;
pub(crate) mod insert;
pub mod partitions;
pub mod quarantine;
pub(crate) mod search_terms;
