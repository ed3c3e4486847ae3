//! Subcommands of `ingest`: the options and the code of each. `serve` has only its options here; `app` runs it.

pub mod doctor;
pub mod healthcheck;
pub mod migrate;
pub mod openapi;
pub mod retention;
pub mod serve;
pub mod simulate;
pub mod token;
pub mod user;
pub mod webhook;
