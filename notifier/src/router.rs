//! The table of all routes.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use shared::problem::Problem;
use shared::serve::Peer;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::health;
use crate::state::AppState;
use crate::transport::{sse, upgrade};

/// Builds the router. A request that matches no route gets a problem document in response.
///
/// `/ws` and `/sse` check the session in their handlers; nginx does not expose the other routes.
pub fn build(state: Arc<AppState>) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone {
    let state = warp::any().map(move || Arc::clone(&state));
    let client = state.clone().and(warp::header::headers_cloned()).and(warp::ext::get::<Peer>());

    let ws = get("ws").and(client.clone()).and(on_upgrade()).then(upgrade::open);
    let sse = get("sse").and(client).and(query()).then(sse::open);
    let healthz = get("healthz").then(health::alive);
    let readyz = get("readyz").and(state.clone()).then(health::ready);
    let ready_locally = warp::path!("readyz" / "local").and(warp::get()).and(state.clone()).then(health::ready_locally);
    let metrics = get("metrics").and(state).then(health::metrics);

    ws.or(sse).or(healthz).or(readyz).or(ready_locally).or(metrics).recover(refuse)
}

/// Matches `GET /path`.
fn get(path: &'static str) -> impl Filter<Extract = (), Error = Rejection> + Copy {
    warp::path(path).and(warp::path::end()).and(warp::get())
}

/// A handle for taking over the connection; `None` if the request is not an upgrade request.
fn on_upgrade() -> impl Filter<Extract = (Option<OnUpgrade>,), Error = Infallible> + Copy {
    warp::ext::optional()
}

/// The query string; empty if there is none.
fn query() -> impl Filter<Extract = (String,), Error = Infallible> + Copy {
    warp::query::raw().or(warp::any().map(String::new)).unify()
}

async fn refuse(rejection: Rejection) -> Result<Response, Infallible> {
    Ok(Problem::of_rejection(&rejection).into_response())
}
