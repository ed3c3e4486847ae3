//! Liveness, readiness and metrics. nginx does not forward these routes; they are served only on the service's own address.

pub(crate) mod gauges;

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use shared::redis::RedisState;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::readiness::PostgresState;
use crate::state::AppState;

/// How long to wait for Postgres.
const POSTGRES_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Serialize)]
struct ReadinessReport {
    ready: bool,
    postgres: &'static str,
    redis: &'static str,
    /// `known`, or `unknown` if addresses were erased with a key that is not configured.
    secret_key: &'static str,
}

/// `GET /healthz`: the process is running.
///
/// # Errors
/// Never.
pub async fn alive(_: Arc<AppState>) -> Result<Response, ApiError> {
    Ok("alive\n".into_response())
}

/// `GET /readyz/local`: 200 while the service takes requests, whatever the state of Postgres and Redis; 503 once it is shutting down. A
/// proxy routes by this, so that a fault common to all replicas does not remove all of them.
///
/// # Errors
/// Never.
pub async fn ready_locally(state: Arc<AppState>) -> Result<Response, ApiError> {
    let (text, status) = if state.leaving.is_cancelled() {
        ("stopping\n", StatusCode::SERVICE_UNAVAILABLE)
    } else {
        ("serving\n", StatusCode::OK)
    };
    Ok(warp::reply::with_status(text, status).into_response())
}

/// `GET /readyz`: 200 if a delivery would be committed, as the writers and the probes last saw it, and the service is not shutting down.
/// Redis is only reported, because accepting a delivery does not depend on it.
///
/// # Errors
/// Never; the status is 503 while the service is not ready.
pub async fn ready(state: Arc<AppState>) -> Result<Response, ApiError> {
    let (postgres, redis) = (state.readiness.postgres(), state.readiness.redis());
    let knows_key = state.readiness.knows_secret_key();
    let ready = postgres == PostgresState::Up && knows_key && !state.leaving.is_cancelled();
    let readiness = ReadinessReport {
        ready,
        postgres: postgres.code(),
        redis: redis.code(),
        secret_key: if knows_key { "known" } else { "unknown" },
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(warp::reply::with_status(warp::reply::json(&readiness), status).into_response())
}

/// `GET /metrics` in the Prometheus text format. While Postgres is unavailable, gauges that depend on it keep their last values.
///
/// # Errors
/// Never.
pub async fn metrics(state: Arc<AppState>) -> Result<Response, ApiError> {
    let refreshed = tokio::time::timeout(POSTGRES_TIMEOUT, gauges::refresh(&state.reading)).await;
    let is_up = matches!(refreshed, Ok(Ok(())));
    let set = |name: &'static str, is_set: bool| metrics::gauge!(name).set(if is_set { 1.0 } else { 0.0 });
    set("ingest_postgres_up", is_up);
    set("ingest_postgres_writable", state.readiness.postgres() == PostgresState::Up);
    set("ingest_redis_writable", state.readiness.redis() == RedisState::Up);
    Ok(state.metrics.render().into_response())
}
