//! Postgres: the statements that commit deliveries, and those that the API reads and writes with. Nothing here knows HTTP.

pub mod commit;
pub(crate) mod copy;
pub mod counts;
pub(crate) mod diagnostics;
pub mod events;
pub(crate) mod insert;
pub(crate) mod migrations;
pub(crate) mod notification_rules;
pub(crate) mod notifications;
pub mod partitions;
pub mod quarantine;
pub(crate) mod quarantine_items;
pub(crate) mod quarantine_retry;
pub(crate) mod refusals;
pub(crate) mod search_terms;
