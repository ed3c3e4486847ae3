//! How the service does, and what operators do about it.

use std::sync::Arc;

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::api::events::erase;
use crate::api::{quarantine, refusals, system as doctor};
use crate::http::router::{answer, any_of, query_or_none};
use crate::state::AppState;

/// All of them.
pub(crate) fn all(with: BoxedFilter<(Arc<AppState>,)>) -> BoxedFilter<(Response,)> {
    let headers = warp::header::headers_cloned();
    let body = warp::body::stream();
    let query = query_or_none();

    // GET /api/quarantine
    let list_quarantine = warp::path!("api" / "quarantine")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|state, headers, query| async move { answer(quarantine::list(state, headers, query).await) })
        .boxed();
    // GET /api/quarantine/{id}
    let get_quarantined = warp::path!("api" / "quarantine" / i64)
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|id, state, headers| async move { answer(quarantine::get(state, headers, id).await) })
        .boxed();
    // GET /api/quarantine/{id}/raw
    let raw_quarantined = warp::path!("api" / "quarantine" / i64 / "raw")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|id, state, headers| async move { answer(quarantine::raw(state, headers, id).await) })
        .boxed();
    // POST /api/quarantine/retry
    let retry_quarantined = warp::path!("api" / "quarantine" / "retry")
        .and(warp::post())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|state, headers, body| async move { answer(quarantine::retry(state, headers, body).await) })
        .boxed();
    // POST /api/quarantine/discard
    let discard_quarantined = warp::path!("api" / "quarantine" / "discard")
        .and(warp::post())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|state, headers, body| async move { answer(quarantine::discard(state, headers, body).await) })
        .boxed();

    // GET /api/system
    let get_system = warp::path!("api" / "system")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|state, headers| async move { answer(doctor::get(state, headers).await) })
        .boxed();
    // GET /api/refusals
    let list_refusals = warp::path!("api" / "refusals")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|state, headers, query| async move { answer(refusals::list(state, headers, query).await) })
        .boxed();

    // POST /api/recipients/{email}/erase
    let erase_recipient = warp::path!("api" / "recipients" / String / "erase")
        .and(warp::post())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|id, state, headers, body| async move { answer(erase::post(state, headers, id, body).await) })
        .boxed();

    any_of([
        list_quarantine,
        get_quarantined,
        raw_quarantined,
        retry_quarantined,
        discard_quarantined,
        get_system,
        list_refusals,
        erase_recipient,
    ])
}
