//! Whether the service lives, whether it can do its work, and its figures. Served on its own address alone.

pub mod gauges;

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use redis::AsyncCommands;
use serde::Serialize;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::state::AppState;

/// How long a dependency may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    postgres: &'static str,
    redis: &'static str,
}

pub async fn alive(_: Arc<AppState>) -> Result<Response, ApiError> {
    Ok("alive\n".into_response())
}

/// Ready means that a delivery would be committed: Postgres answers, with our schema, and we are not stopping. Redis is only
/// reported, since a 200 does not need it.
pub async fn ready(state: Arc<AppState>) -> Result<Response, ApiError> {
    let postgres = tokio::time::timeout(PATIENCE, sqlx::query!("select count(*) from outbox where false").fetch_one(&state.pool));
    let redis = tokio::time::timeout(PATIENCE, async {
        let mut connection = state.redis.get().await.ok()?;
        connection.ping::<String>().await.ok()
    });
    let (postgres, redis) = tokio::join!(postgres, redis);
    let postgres = matches!(postgres, Ok(Ok(_)));
    let word = |up| if up { "up" } else { "away" };
    let ready = postgres && !state.stop.is_cancelled();
    let readiness = Readiness { ready, postgres: word(postgres), redis: word(matches!(redis, Ok(Some(_)))) };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(warp::reply::with_status(warp::reply::json(&readiness), status).into_response())
}

/// Prometheus' text format. Without Postgres, what only it knows stays as it was.
pub async fn metrics(state: Arc<AppState>) -> Result<Response, ApiError> {
    let refreshed = tokio::time::timeout(PATIENCE, gauges::refresh(&state.reading)).await;
    let up = matches!(refreshed, Ok(Ok(())));
    metrics::gauge!("ingest_postgres_up").set(if up { 1.0 } else { 0.0 });
    Ok(state.metrics.render().into_response())
}
