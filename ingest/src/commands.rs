//! Subcommands of `ingest`, each with its options and code. Only the options for `serve` are defined here; the command itself is
//! implemented in `app`.

pub mod archive;
pub mod dictionary;
pub mod doctor;
pub mod healthcheck;
pub mod import;
pub mod migrate;
pub mod openapi;
pub mod retention;
pub mod serve;
pub(crate) mod sight;
pub mod simulate;
pub mod token;
pub mod upkeep;
pub mod user;
pub mod webhook;
