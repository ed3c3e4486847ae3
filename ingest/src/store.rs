//! Postgres: the statements that commit deliveries and the statements used by the API. Nothing here depends on HTTP.

pub(crate) mod accounts;
pub(crate) mod background_jobs;
pub(crate) mod commit;
pub(crate) mod copy;
mod counts;
pub(crate) mod diagnostics;
pub(crate) mod events;
mod insert;
mod inserted;
pub(crate) mod migrations;
pub(crate) mod notification_rules;
pub(crate) mod notifications;
pub(crate) mod outbox;
pub(crate) mod outbox_rows;
pub(crate) mod partition_indexes;
pub mod partitions;
pub(crate) mod quarantine;
pub(crate) mod quarantine_items;
pub(crate) mod quarantine_retry;
pub(crate) mod refusal_counts;
pub(crate) mod refusals;
pub(crate) mod row;
pub(crate) mod search_terms;
pub mod sqlstate;
pub(crate) mod tallies;
pub(crate) mod upgrade_moments;
pub(crate) mod verdicts;
