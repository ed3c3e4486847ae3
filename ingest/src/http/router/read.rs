//! What was received.

use std::sync::Arc;

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::api::events::{self, export, histogram, message as messages, recipient as recipients, statistics};
use crate::api::notifications;
use crate::http::router::{answer, any_of, query_or_none};
use crate::state::AppState;

/// All of them.
pub(crate) fn all(with: BoxedFilter<(Arc<AppState>,)>) -> BoxedFilter<(Response,)> {
    let headers = warp::header::headers_cloned();
    let query = query_or_none();

    // GET /api/events/histogram
    let histogram = warp::path!("api" / "events" / "histogram")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|state, headers, query| async move { answer(histogram::get(state, headers, query).await) })
        .boxed();
    // GET /api/events/export
    let export = warp::path!("api" / "events" / "export")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|state, headers, query| async move { answer(export::get(state, headers, query).await) })
        .boxed();
    // GET /api/stats
    let statistics = warp::path!("api" / "stats")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|state, headers, query| async move { answer(statistics::get(state, headers, query).await) })
        .boxed();
    // GET /api/events
    let list_events = warp::path!("api" / "events")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|state, headers, query| async move { answer(events::list(state, headers, query).await) })
        .boxed();
    // GET /api/events/{id}
    let get_event = warp::path!("api" / "events" / i64)
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|id, state, headers| async move { answer(events::get(state, headers, id).await) })
        .boxed();
    // GET /api/events/{id}/raw
    let get_raw = warp::path!("api" / "events" / i64 / "raw")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|id, state, headers| async move { answer(events::raw(state, headers, id).await) })
        .boxed();
    // GET /api/messages/{id}
    let get_message = warp::path!("api" / "messages" / String)
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|id, state, headers| async move { answer(messages::get(state, headers, id).await) })
        .boxed();
    // GET /api/recipients/{email}
    let get_recipient = warp::path!("api" / "recipients" / String)
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|email, state, headers| async move { answer(recipients::get(state, headers, email).await) })
        .boxed();
    // GET /api/notifications
    let list_notifications = warp::path!("api" / "notifications")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|state, headers, query| async move { answer(notifications::list(state, headers, query).await) })
        .boxed();

    any_of([histogram, export, statistics, list_events, get_event, get_raw, get_message, get_recipient, list_notifications])
}
