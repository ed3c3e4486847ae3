//! `ingest healthcheck`.

use std::net::SocketAddr;

use clap::Args;
use shared::config::Log;
use shared::healthcheck;

/// Settings of `ingest healthcheck`.
#[derive(Debug, Args)]
pub struct Healthcheck {
    /// Address and port on which the service listens.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub log: Log,
}

/// Succeeds if the service is ready.
///
/// # Errors
/// When the service is not ready or does not answer.
pub async fn run(config: &Healthcheck) -> anyhow::Result<()> {
    Ok(healthcheck::check_readiness(config.listen).await?)
}
