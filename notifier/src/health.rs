//! `/healthz`, `/readyz` and `/metrics`, for operators and orchestrators.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use warp::reply::{Reply, Response};

use crate::state::AppState;
use crate::user::sessions;

/// How long Postgres can take to respond before the readiness check reports it as unavailable.
const POSTGRES_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    postgres: &'static str,
    feed: &'static str,
}

/// `GET /healthz`: the process is running.
pub async fn alive() -> Response {
    "alive\n".into_response()
}

/// `GET /readyz`: 200 if sessions can be checked, Redis is delivering, and the service is not shutting down; 503 otherwise.
pub async fn ready(state: Arc<AppState>) -> Response {
    let check = sessions::check_readable(&state.pool);
    let postgres = matches!(tokio::time::timeout(POSTGRES_TIMEOUT, check).await, Ok(Ok(())));
    let feed = state.hub.is_live();
    let ready = postgres && feed && !state.stop.is_cancelled();
    let readiness = Readiness { ready, postgres: if postgres { "up" } else { "away" }, feed: if feed { "live" } else { "lost" } };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    warp::reply::with_status(warp::reply::json(&readiness), status).into_response()
}

/// `GET /metrics`: metrics in the Prometheus text format.
pub async fn metrics(state: Arc<AppState>) -> Response {
    state.metrics.render().into_response()
}
