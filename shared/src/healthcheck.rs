//! Asking a running service whether it is ready, for containers whose image has no HTTP client.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The service is not ready, or does not answer.
#[derive(Debug, thiserror::Error)]
pub enum HealthcheckError {
    /// No answer.
    #[error("the service does not answer")]
    NoAnswer(#[from] reqwest::Error),
    /// It says that it is not.
    #[error("the service is not ready: {0}")]
    NotReady(String),
}

/// Succeeds when the service that listens at `listen` answers 200 to `/readyz`.
///
/// # Errors
/// When it does not.
pub async fn check_readiness(listen: SocketAddr) -> Result<(), HealthcheckError> {
    let host = if listen.ip().is_unspecified() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { listen.ip() };
    let url = format!("http://{}/readyz", SocketAddr::new(host, listen.port()));
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).no_proxy().build()?;
    let response = client.get(url).send().await?;
    if response.status().is_success() { Ok(()) } else { Err(HealthcheckError::NotReady(response.text().await?)) }
}
