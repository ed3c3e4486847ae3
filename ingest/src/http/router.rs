//! Every route, in four lists: the webhook's and the probes' here, the API's by what they are about. The comment on each is its method
//! and path; who may call it is the handler's first question.

mod account;
mod operate;
mod read;

use std::convert::Infallible;
use std::sync::Arc;

use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, HeaderValue};
use http::{HeaderMap, StatusCode};
use shared::event::Event;
use shared::problem::Problem;
use shared::serve::Peer;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::api::accounts::session;
use crate::api::events;
use crate::api::events::filters::Filters;
use crate::http::error::ApiError;
use crate::http::openapi as document;
use crate::http::page::{EventCursor, Limit, List};
use crate::state::AppState;
use crate::webhook::handler as receive;

/// All of them, hottest first. What none takes becomes a problem document.
pub fn all(state: Arc<AppState>) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone {
    let with = warp::any().map(move || Arc::clone(&state));
    let shared = with.clone().boxed();
    let headers = warp::header::headers_cloned();
    let peer = warp::ext::get::<Peer>();
    let body = warp::body::stream();
    let query = query_or_none();

    // POST /webhook/
    let post_webhook = warp::path!("webhook")
        .and(warp::post())
        .and(with.clone())
        .and(peer)
        .and(warp::path::full())
        .and(query)
        .and(headers)
        .and(body)
        .then(|state, peer, path: FullPath, query, headers, body| async move {
            let from = receive::From { peer, path: path.as_str().to_owned(), query };
            answer(receive::post(state, from, headers, body).await)
        });
    // HEAD /webhook/
    let head_webhook = warp::path!("webhook").and(warp::head()).then(receive::head);
    // GET /webhook/
    let get_webhook = warp::path!("webhook")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|state, headers, query| async move { answer(browse_webhook(state, headers, query).await) });

    // GET /api/openapi.json
    let document =
        warp::path!("api" / "openapi.json").and(warp::get()).and(headers).then(|headers| async move { document::get(&headers) });

    // GET /healthz
    let healthz = warp::path!("healthz").and(warp::get()).then(crate::api::health::alive);
    // GET /readyz
    let readyz = warp::path!("readyz").and(warp::get()).and(with.clone()).then(crate::api::health::ready);
    // GET /metrics
    let metrics = warp::path!("metrics").and(warp::get()).and(with).then(crate::api::health::metrics);

    let webhook = post_webhook.or(head_webhook).unify().or(get_webhook).unify().or(document).unify().boxed();
    let health = healthz.or(readyz).unify().or(metrics).unify().boxed();
    let read = read::all(shared.clone());
    let account = account::all(shared.clone());
    let operate = operate::all(shared);
    let routes = webhook.or(read).unify().or(account).unify().or(operate).unify().or(health).unify().recover(refuse);
    warp::path::full().and(routes).map(finish)
}

/// Lists events as `/api/events` does; sends a browser to the page from which batches can be posted.
#[utoipa::path(get, path = "/webhook/", operation_id = "browseWebhook", tag = "webhook",
    params(Filters, Limit, EventCursor),
    responses((status = 200, description = "A page of events.", body = List<Event>),
        (status = 303, description = "For whoever takes `text/html`: the page is `/simulate`."),
        (status = 400, description = "`bad_filter`, `bad_page`"), (status = 503, description = "`too_slow`")))]
pub(crate) async fn browse_webhook(state: Arc<AppState>, headers: HeaderMap, query: String) -> Result<Response, ApiError> {
    let wants_page =
        headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"));
    if !wants_page {
        return events::list(state, headers, query).await;
    }
    session::reader(&state, &headers).await?;
    Ok(warp::redirect::see_other(warp::http::Uri::from_static("/simulate")).into_response())
}

/// The first of these that takes a request. Each is boxed: a chain of so many as one type would take the compiler minutes.
fn any_of(routes: impl IntoIterator<Item = BoxedFilter<(Response,)>>) -> BoxedFilter<(Response,)> {
    let nothing = warp::any().and_then(async || Err::<Response, Rejection>(warp::reject::not_found())).boxed();
    routes.into_iter().fold(nothing, |before, route| before.or(route).unify().boxed())
}

/// The query string; empty where there is none.
fn query_or_none() -> impl Filter<Extract = (String,), Error = Infallible> + Copy {
    warp::query::raw().or(warp::any().map(String::new)).unify()
}

fn answer(result: Result<Response, ApiError>) -> Response {
    result.unwrap_or_else(Reply::into_response)
}

async fn refuse(rejection: Rejection) -> Result<Response, Infallible> {
    Ok(Problem::of_rejection(&rejection).into_response())
}

/// Nothing here may be kept by a cache, unless it says so itself: it is for the one who asked. A wrong method is told the right ones.
fn finish(path: FullPath, reply: impl Reply) -> Response {
    let mut response = reply.into_response();
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let methods = document::methods_at(path.as_str());
        if !methods.is_empty()
            && let Ok(methods) = HeaderValue::from_str(&methods.join(", "))
        {
            response.headers_mut().insert(ALLOW, methods);
        }
    }
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
