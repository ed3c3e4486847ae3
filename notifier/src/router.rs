//! Every route, in one list. The doc line of each is its method and path.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use hyper::upgrade::OnUpgrade;
use serde::Serialize;
use shared::problem::Problem;
use shared::serve::Peer;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::state::AppState;
use crate::transport::sse;
use crate::transport::upgrade;

/// How long a dependency may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

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
    let healthz = warp::path!("healthz").and(warp::get()).map(|| "alive\n".into_response());
    // GET /readyz
    let readyz = warp::path!("readyz").and(warp::get()).and(with.clone()).then(ready);
    // GET /metrics
    let metrics =
        warp::path!("metrics").and(warp::get()).and(with).map(|state: Arc<AppState>| state.metrics.render().into_response());

    ws.or(sse).unify().or(healthz).unify().or(readyz).unify().or(metrics).unify().recover(refuse).unify()
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    postgres: &'static str,
    feed: &'static str,
}

/// Ready means: sessions can be checked, the feed was reached and delivers, and we are not stopping.
async fn ready(state: Arc<AppState>) -> Response {
    let asked = sqlx::query!("select count(*) from sessions where false").fetch_one(&state.pool);
    let postgres = matches!(tokio::time::timeout(PATIENCE, asked).await, Ok(Ok(_)));
    let feed = state.hub.is_live();
    let ready = postgres && feed && !state.stop.is_cancelled();
    let word = |up, yes, no| if up { yes } else { no };
    let readiness = Readiness { ready, postgres: word(postgres, "up", "away"), feed: word(feed, "live", "lost") };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    warp::reply::with_status(warp::reply::json(&readiness), status).into_response()
}

async fn refuse(rejection: Rejection) -> Result<Response, Infallible> {
    Ok(Problem::of_rejection(&rejection).into_response())
}
