//! Every route, in one list. The doc line of each is its method and path.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use shared::problem::Problem;
use shared::serve::Peer;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::health;
use crate::state::AppState;
use crate::transport::sse;
use crate::transport::upgrade;

/// All of them. What none takes becomes a problem document.
pub fn all(state: Arc<AppState>) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone {
    let with = warp::any().map(move || Arc::clone(&state));

    // GET /ws
    let ws = warp::path!("ws")
        .and(warp::get())
        .and(with.clone())
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Peer>())
        .and(warp::any().and(warp::ext::optional::<OnUpgrade>()))
        .then(|state, headers, peer, on_upgrade| async move {
            upgrade::open(state, headers, peer, on_upgrade).await.unwrap_or_else(Reply::into_response)
        });
    // GET /sse
    let sse = warp::path!("sse")
        .and(warp::get())
        .and(with.clone())
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Peer>())
        .and(warp::query::raw().or(warp::any().map(String::new)).unify())
        .then(|state, headers, peer, query| async move {
            sse::open(state, headers, peer, query).await.unwrap_or_else(Reply::into_response)
        });
    // GET /healthz
    let healthz = warp::path!("healthz").and(warp::get()).then(health::alive);
    // GET /readyz
    let readyz = warp::path!("readyz").and(warp::get()).and(with.clone()).then(health::ready);
    // GET /metrics
    let metrics = warp::path!("metrics").and(warp::get()).and(with).then(health::metrics);

    ws.or(sse).unify().or(healthz).unify().or(readyz).unify().or(metrics).unify().recover(refuse).unify()
}

async fn refuse(rejection: Rejection) -> Result<Response, Infallible> {
    Ok(Problem::of_rejection(&rejection).into_response())
}
