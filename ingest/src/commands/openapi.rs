//! `ingest openapi`.

use std::io::Write;

use clap::Args;
use shared::config::Log;

use crate::http::openapi;

/// Options for `ingest openapi`.
#[derive(Debug, Args)]
pub struct Openapi {
    #[command(flatten)]
    pub log: Log,
}

/// Prints the OpenAPI document of the API.
///
/// # Errors
/// If standard output cannot be written to.
pub fn run() -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{:#}", openapi::document())?;
    Ok(())
}
