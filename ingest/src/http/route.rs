//! The building blocks of routes: small filters that each decode one thing, and [`route!`], which combines them with a handler.

use std::convert::Infallible;
use std::sync::Arc;

use http::HeaderMap;
use serde::de::DeserializeOwned;
use shared::serve::Peer;
use shared::session::Caller;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::http::auth;
use crate::http::body;
use crate::http::error::{ApiError, Rejected};
use crate::http::page::{Page, Pairs};
use crate::state::AppState;

/// `route!(patch "api" / "users" / i64 => users::change(state, admin_write, json()))`: method, path, handler, and the filters whose
/// values are passed to the handler. The first is the state, followed by the path segments that are types, then the other filters.
macro_rules! route {
    ($method:ident $($segment:tt) / + => $handler:path [$state:expr $(, $part:expr)* $(,)?]) => {
        $state
            .and(warp::path!($($segment) / +))
            .and(warp::$method())
            $(.and($part))*
            .then($handler)
            .map($crate::http::route::response_of)
            .boxed()
    };
}
pub(crate) use route;

/// Filters shared by several routes, created once.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) state: BoxedFilter<(Arc<AppState>,)>,
    /// The sender's address.
    pub(crate) peer: BoxedFilter<(Peer,)>,
    pub(crate) headers: BoxedFilter<(HeaderMap,)>,
    /// The query string as it was sent; empty if there is none.
    pub(crate) query: BoxedFilter<(String,)>,
    /// The names and values in the query string.
    pub(crate) pairs: BoxedFilter<(Pairs,)>,
    /// The query string of a list request.
    pub(crate) page: BoxedFilter<(Page,)>,
    /// Passes only requests that come from our own pages.
    pub(crate) own_origin: BoxedFilter<()>,
    // The callers, by permission; see `auth`.
    pub(crate) caller: BoxedFilter<(Caller,)>,
    pub(crate) session: BoxedFilter<(Caller,)>,
    pub(crate) reader: BoxedFilter<(Caller,)>,
    pub(crate) operator: BoxedFilter<(Caller,)>,
    pub(crate) operator_write: BoxedFilter<(Caller,)>,
    pub(crate) auditor: BoxedFilter<(Caller,)>,
    pub(crate) admin: BoxedFilter<(Caller,)>,
    pub(crate) admin_write: BoxedFilter<(Caller,)>,
}

/// A guard as a filter: extracts the caller if the check in `auth` given by the second argument passes.
macro_rules! guard {
    ($state:expr, $check:path) => {
        $state
            .clone()
            .and(warp::header::headers_cloned())
            .and_then(async |state: Arc<AppState>, headers: HeaderMap| {
                $check(&state, &headers).await.map_err(Rejected::from_error)
            })
            .boxed()
    };
}

impl Parts {
    pub(crate) fn new(state: Arc<AppState>) -> Self {
        let state = warp::any().map(move || Arc::clone(&state)).boxed();
        let query = warp::query::raw().or(warp::any().map(String::new)).unify().boxed();
        let own_origin = state.clone().and(warp::header::headers_cloned()).and_then(async |state: Arc<AppState>, headers| {
            auth::require_own_origin(&state, &headers).map_err(Rejected::from_error)
        });
        let page = query.clone().and_then(async |query: String| Page::read(&query).map_err(Rejected::from_error));
        Self {
            peer: warp::ext::get::<Peer>().boxed(),
            headers: warp::header::headers_cloned().boxed(),
            pairs: query.clone().map(|query: String| Pairs::read(&query)).boxed(),
            page: page.boxed(),
            query,
            own_origin: own_origin.untuple_one().boxed(),
            caller: guard!(state, auth::require_caller),
            session: guard!(state, auth::require_session),
            reader: guard!(state, auth::require_reader),
            operator: guard!(state, auth::require_operator),
            operator_write: guard!(state, auth::require_operator_write),
            auditor: guard!(state, auth::require_auditor),
            admin: guard!(state, auth::require_admin),
            admin_write: guard!(state, auth::require_admin_write),
            state,
        }
    }
}

/// A JSON body, decoded into the type that the handler expects.
pub(crate) fn json<T: DeserializeOwned + Send + 'static>() -> BoxedFilter<(T,)> {
    warp::body::stream().and_then(async |body| body::json(body).await.map_err(Rejected::from_error)).boxed()
}

/// Converts a handler's result into a response.
pub(crate) fn response_of(result: Result<Response, ApiError>) -> Response {
    result.unwrap_or_else(Reply::into_response)
}

/// The first route that matches a request. Each is boxed: a chain of this length as a single type would take minutes to compile.
pub(crate) fn any_of(routes: impl IntoIterator<Item = BoxedFilter<(Response,)>>) -> BoxedFilter<(Response,)> {
    let none = warp::any().and_then(async || Err::<Response, Rejection>(warp::reject::not_found())).boxed();
    routes.into_iter().fold(none, |before, route| before.or(route).unify().boxed())
}

/// Responds to requests that no route matched or that a route's filter rejected.
///
/// # Errors
/// Never.
pub(crate) async fn refuse(rejection: Rejection) -> Result<Response, Infallible> {
    Ok(match rejection.find::<Rejected>() {
        Some(Rejected(error)) => error.to_response(),
        None => shared::problem::Problem::of_rejection(&rejection).into_response(),
    })
}
