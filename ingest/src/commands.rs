//! Subcommands of `ingest` other than `serve`.

pub mod doctor;
pub mod migrate;
pub mod simulate;
pub mod user;
pub mod webhook;
