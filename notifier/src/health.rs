//! `/healthz`, `/readyz` and `/metrics`, for operators and orchestrators.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use shared::db::{self, ConnectionProblem};
use shared::redis::RedisState;
use sqlx::PgPool;
use warp::reply::{Reply, Response};

use crate::state::AppState;
use crate::user::sessions;

/// How long Postgres can take to respond before the readiness check reports it as unavailable.
const POSTGRES_TIMEOUT: Duration = Duration::from_millis(3_500);

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    postgres: &'static str,
    /// Whether the feed arrives.
    feed: &'static str,
    /// Whether Redis takes what ingest publishes.
    redis: &'static str,
}

/// `GET /healthz`: the process is running.
pub async fn alive() -> Response {
    "alive\n".into_response()
}

/// `GET /readyz/local`: 200 while the service takes connections, whatever the state of Postgres and Redis; 503 once it is shutting down.
/// A proxy routes by this.
pub async fn ready_locally(state: Arc<AppState>) -> Response {
    let (text, status) = if state.leaving.is_cancelled() {
        ("stopping\n", StatusCode::SERVICE_UNAVAILABLE)
    } else {
        ("serving\n", StatusCode::OK)
    };
    warp::reply::with_status(text, status).into_response()
}

/// `GET /readyz`: 200 if events are relayed: sessions can be checked, Redis takes writes and delivers, and the service is not shutting down;
/// 503 otherwise.
pub async fn ready(state: Arc<AppState>) -> Response {
    let check = tokio::time::timeout(POSTGRES_TIMEOUT, check_postgres(&state.pool)).await;
    let postgres = check.unwrap_or(Err(ConnectionProblem::Away));
    let feed = state.hub.is_live();
    let redis = *state.redis_state.borrow();
    let ready = postgres.is_ok() && feed && redis == RedisState::Up && !state.leaving.is_cancelled();
    let readiness = Readiness {
        ready,
        postgres: postgres.err().map_or("up", ConnectionProblem::code),
        feed: if feed { "live" } else { "lost" },
        redis: redis.code(),
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    warp::reply::with_status(warp::reply::json(&readiness), status).into_response()
}

async fn check_postgres(pool: &PgPool) -> Result<(), ConnectionProblem> {
    let problem = |error: &sqlx::Error| ConnectionProblem::of(error).unwrap_or(ConnectionProblem::Away);
    match sessions::check_readable(pool).await {
        Ok(()) => Ok(()),
        Err(sqlx::Error::PoolTimedOut) => {
            let error = db::connect_once(pool).await.err().flatten();
            Err(error.as_ref().map_or(ConnectionProblem::Away, problem))
        }
        Err(error) => Err(problem(&error)),
    }
}

/// `GET /metrics`: metrics in the Prometheus text format.
pub async fn metrics(state: Arc<AppState>) -> Response {
    state.metrics.render().into_response()
}
