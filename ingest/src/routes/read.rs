//! What was received.

use std::sync::Arc;

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::{answer, any_of, query_or_none};
use crate::app::Context;
use crate::read::{events, export, histogram, messages, notifications, recipients, statistics};

/// All of them.
pub(super) fn all(with: BoxedFilter<(Arc<Context>,)>) -> BoxedFilter<(Response,)> {
    let headers = warp::header::headers_cloned();
    let query = query_or_none();

    // GET /api/events/histogram
    let histogram = warp::path!("api" / "events" / "histogram")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|context, headers, query| async move { answer(histogram::get(context, headers, query).await) })
        .boxed();
    // GET /api/events/export
    let export = warp::path!("api" / "events" / "export")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|context, headers, query| async move { answer(export::get(context, headers, query).await) })
        .boxed();
    // GET /api/stats
    let statistics = warp::path!("api" / "stats")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|context, headers, query| async move { answer(statistics::get(context, headers, query).await) })
        .boxed();
    // GET /api/events
    let list_events = warp::path!("api" / "events")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|context, headers, query| async move { answer(events::list(context, headers, query).await) })
        .boxed();
    // GET /api/events/{id}
    let get_event = warp::path!("api" / "events" / i64)
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|id, context, headers| async move { answer(events::get(context, headers, id).await) })
        .boxed();
    // GET /api/events/{id}/raw
    let get_raw = warp::path!("api" / "events" / i64 / "raw")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|id, context, headers| async move { answer(events::raw(context, headers, id).await) })
        .boxed();
    // GET /api/messages/{id}
    let get_message = warp::path!("api" / "messages" / String)
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|id, context, headers| async move { answer(messages::get(context, headers, id).await) })
        .boxed();
    // GET /api/recipients/{email}
    let get_recipient = warp::path!("api" / "recipients" / String)
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|email, context, headers| async move { answer(recipients::get(context, headers, email).await) })
        .boxed();
    // GET /api/notifications
    let list_notifications = warp::path!("api" / "notifications")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|context, headers, query| async move { answer(notifications::list(context, headers, query).await) })
        .boxed();

    any_of([histogram, export, statistics, list_events, get_event, get_raw, get_message, get_recipient, list_notifications])
}
