//! Postgres: the statements that commit deliveries, and those that the API reads and writes with. Nothing here knows HTTP.

pub(crate) mod commit;
mod copy;
mod counts;
pub(crate) mod events;
mod insert;
mod inserted;
pub(crate) mod outbox;
pub(crate) mod outbox_rows;
pub(crate) mod accounts;
pub mod commit;
pub(crate) mod copy;
pub mod counts;
pub mod events;
pub(crate) mod insert;
pub mod partitions;
pub(crate) mod quarantine;
pub(crate) mod refusal_counts;
pub(crate) mod row;
pub(crate) mod search_terms;
pub mod sqlstate;
