//! `ingest healthcheck`: for containers, whose image has no HTTP client.

use std::time::Duration;

use anyhow::{Context, bail};

use crate::config::Healthcheck;

/// Succeeds when the service at `config.listen` is ready.
///
/// # Errors
/// When it is not, or does not answer.
pub async fn run(config: &Healthcheck) -> anyhow::Result<()> {
    let host = if config.listen.ip().is_unspecified() { "127.0.0.1".to_owned() } else { config.listen.ip().to_string() };
    let url = format!("http://{host}:{}/readyz", config.listen.port());
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    let response = client.get(url).send().await.context("the service does not answer")?;
    if !response.status().is_success() {
        bail!("the service is not ready: {}", response.text().await.unwrap_or_default());
    }
    Ok(())
}
