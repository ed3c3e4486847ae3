//! Subcommands of `ingest`, each with its options and code. For `serve`, only the options are here; `app` runs it.

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
