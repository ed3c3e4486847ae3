//! `ingest healthcheck`.

use std::net::SocketAddr;

use clap::Args;
use shared::config::Log;
use shared::healthcheck;

/// Options for `ingest healthcheck`.
#[derive(Debug, Args)]
pub struct Healthcheck {
    /// Address and port that the service listens on.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub log: Log,
}

/// Succeeds if the service is ready.
///
/// # Errors
/// If the service is not ready or does not respond.
pub async fn run(config: &Healthcheck) -> anyhow::Result<()> {
    Ok(healthcheck::check_readiness(config.listen).await?)
}
