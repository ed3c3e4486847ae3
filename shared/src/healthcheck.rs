//! The client side of `/readyz/local`, for containers whose image has no HTTP client.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The reason a health check failed.
#[derive(Debug, thiserror::Error)]
pub enum HealthcheckError {
    /// The request failed or timed out.
    #[error("the service did not respond")]
    NoAnswer(#[from] reqwest::Error),
    /// The service responded with a non-2xx status; this is the response body.
    #[error("the service does not take requests: {0}")]
    NotReady(String),
}

/// Succeeds if the service listening on `listen` responds to `/readyz/local` with a 2xx status within five seconds. Postgres and Redis do
/// not matter: a fault that all replicas have in common must not remove all of them.
///
/// # Errors
/// When the service is stopping or does not respond.
pub async fn check_readiness(listen: SocketAddr) -> Result<(), HealthcheckError> {
    let host = if listen.ip().is_unspecified() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { listen.ip() };
    let url = format!("http://{}/readyz/local", SocketAddr::new(host, listen.port()));
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).no_proxy().build()?;
    let response = client.get(url).send().await?;
    if response.status().is_success() { Ok(()) } else { Err(HealthcheckError::NotReady(response.text().await?)) }
}
