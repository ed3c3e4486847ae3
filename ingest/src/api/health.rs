//! Liveness, readiness and metrics. nginx does not forward these routes; they are served only on the service's own address.

pub(crate) mod gauges;

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use redis::AsyncCommands;
use serde::Serialize;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::state::AppState;
use crate::store::diagnostics;

/// How long to wait for a response from Postgres or Redis.
const DEPENDENCY_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    postgres: &'static str,
    redis: &'static str,
}

/// `GET /healthz`: the process is running.
///
/// # Errors
/// Never.
pub async fn alive(_: Arc<AppState>) -> Result<Response, ApiError> {
    Ok("alive\n".into_response())
}

/// `GET /readyz`: 200 if a delivery would be committed, which requires Postgres with the current schema and a service that is not
/// shutting down. Redis is only reported, because accepting a delivery does not depend on it.
///
/// # Errors
/// Never; the status is 503 while the service is not ready.
pub async fn ready(state: Arc<AppState>) -> Result<Response, ApiError> {
    let postgres = tokio::time::timeout(DEPENDENCY_TIMEOUT, diagnostics::check_ready(&state.pool));
    let redis = tokio::time::timeout(DEPENDENCY_TIMEOUT, async {
        let mut connection = state.redis.get().await.ok()?;
        connection.ping::<String>().await.ok()
    });
    let (postgres, redis) = tokio::join!(postgres, redis);
    let postgres = matches!(postgres, Ok(Ok(())));
    let status_of = |is_up| if is_up { "up" } else { "away" };
    let ready = postgres && !state.stop.is_cancelled();
    let readiness = Readiness { ready, postgres: status_of(postgres), redis: status_of(matches!(redis, Ok(Some(_)))) };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(warp::reply::with_status(warp::reply::json(&readiness), status).into_response())
}

/// `GET /metrics` in the Prometheus text format. While Postgres is unavailable, gauges that depend on it keep their last values.
///
/// # Errors
/// Never.
pub async fn metrics(state: Arc<AppState>) -> Result<Response, ApiError> {
    let refreshed = tokio::time::timeout(DEPENDENCY_TIMEOUT, gauges::refresh(&state.reading)).await;
    let is_up = matches!(refreshed, Ok(Ok(())));
    metrics::gauge!("ingest_postgres_up").set(if is_up { 1.0 } else { 0.0 });
    Ok(state.metrics.render().into_response())
}
