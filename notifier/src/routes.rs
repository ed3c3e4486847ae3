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

use crate::app::Context;
use crate::{sse, upgrade};

/// How long a dependency may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// All of them. What none takes becomes a problem document.
pub fn all(context: Arc<Context>) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone {
    let with = warp::any().map(move || Arc::clone(&context));

    // GET /ws
    let ws = warp::path!("ws")
        .and(warp::get())
        .and(with.clone())
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Peer>())
        .and(warp::any().and(warp::ext::optional::<OnUpgrade>()))
        .then(|context, headers, peer, on_upgrade| async move {
            upgrade::open(context, headers, peer, on_upgrade).await.unwrap_or_else(Reply::into_response)
        });
    // GET /sse
    let sse = warp::path!("sse")
        .and(warp::get())
        .and(with.clone())
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Peer>())
        .and(warp::query::raw().or(warp::any().map(String::new)).unify())
        .then(|context, headers, peer, query| async move {
            sse::open(context, headers, peer, query).await.unwrap_or_else(Reply::into_response)
        });
    // GET /healthz
    let healthz = warp::path!("healthz").and(warp::get()).map(|| "alive\n".into_response());
    // GET /readyz
    let readyz = warp::path!("readyz").and(warp::get()).and(with.clone()).then(ready);
    // GET /metrics
    let metrics =
        warp::path!("metrics").and(warp::get()).and(with).map(|context: Arc<Context>| context.metrics.render().into_response());

    ws.or(sse).unify().or(healthz).unify().or(readyz).unify().or(metrics).unify().recover(refuse).unify()
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    postgres: &'static str,
    feed: &'static str,
}

/// Ready means: sessions can be checked, the feed was reached and delivers, and we are not stopping.
async fn ready(context: Arc<Context>) -> Response {
    let asked = sqlx::query!("select count(*) from sessions where false").fetch_one(&context.pool);
    let postgres = matches!(tokio::time::timeout(PATIENCE, asked).await, Ok(Ok(_)));
    let feed = context.hub.is_live();
    let ready = postgres && feed && !context.stop.is_cancelled();
    let word = |up, yes, no| if up { yes } else { no };
    let readiness = Readiness { ready, postgres: word(postgres, "up", "away"), feed: word(feed, "live", "lost") };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    warp::reply::with_status(warp::reply::json(&readiness), status).into_response()
}

async fn refuse(rejection: Rejection) -> Result<Response, Infallible> {
    Ok(Problem::of_rejection(&rejection).into_response())
}
