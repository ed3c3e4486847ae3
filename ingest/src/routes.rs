//! Every route, in one list. The doc line of each is its method and path; who may call it is the handler's first question.

mod health;

use std::convert::Infallible;
use std::sync::Arc;

use http::HeaderMap;
use http::header::{ACCEPT, HeaderValue};
use shared::problem::Problem;
use shared::serve::Peer;
use warp::path::FullPath;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::account::{inbox, session, users};
use crate::app::Context;
use crate::error::ApiError;
use crate::operate::{doctor, quarantine, refusals};
use crate::read::{events, messages, notifications, recipients};
use crate::receive;

/// All of them, hottest first. What none takes becomes a problem document.
pub fn all(context: Arc<Context>) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone {
    let with = warp::any().map(move || Arc::clone(&context));
    let headers = warp::header::headers_cloned();
    let peer = warp::ext::get::<Peer>();
    let body = warp::body::stream();
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();

    // POST /webhook/
    let post_webhook = warp::path!("webhook")
        .and(warp::post())
        .and(with.clone())
        .and(peer)
        .and(warp::path::full())
        .and(query)
        .and(headers)
        .and(body)
        .then(|context, peer, path: FullPath, query, headers, body| async move {
            let from = receive::From { peer, path: path.as_str().to_owned(), query };
            answer(receive::post(context, from, headers, body).await)
        });
    // HEAD /webhook/
    let head_webhook = warp::path!("webhook").and(warp::head()).then(receive::head);
    // GET /webhook/
    let get_webhook = warp::path!("webhook")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|context, headers, query| async move { answer(browse_webhook(context, headers, query).await) });

    // GET /api/session
    let get_session = warp::path!("api" / "session")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|context, headers| async move { answer(session::get(context, headers).await) });
    // POST /api/session
    let post_session = warp::path!("api" / "session")
        .and(warp::post())
        .and(with.clone())
        .and(peer)
        .and(headers)
        .and(body)
        .then(|context, peer, headers, body| async move { answer(session::post(context, peer, headers, body).await) });
    // DELETE /api/session
    let delete_session = warp::path!("api" / "session")
        .and(warp::delete())
        .and(with.clone())
        .and(headers)
        .then(|context, headers| async move { answer(session::delete(context, headers).await) });

    // GET /api/events
    let list_events = warp::path!("api" / "events")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|context, headers, query| async move { answer(events::list(context, headers, query).await) });
    // GET /api/events/{id}
    let get_event = warp::path!("api" / "events" / i64)
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|id, context, headers| async move { answer(events::get(context, headers, id).await) });
    // GET /api/events/{id}/raw
    let get_raw = warp::path!("api" / "events" / i64 / "raw")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|id, context, headers| async move { answer(events::raw(context, headers, id).await) });
    // GET /api/messages/{id}
    let get_message = warp::path!("api" / "messages" / String)
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|id, context, headers| async move { answer(messages::get(context, headers, id).await) });
    // GET /api/recipients/{email}
    let get_recipient = warp::path!("api" / "recipients" / String)
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|email, context, headers| async move { answer(recipients::get(context, headers, email).await) });
    // GET /api/notifications
    let list_notifications = warp::path!("api" / "notifications")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|context, headers, query| async move { answer(notifications::list(context, headers, query).await) });
    // POST /api/notifications
    let send_notification = warp::path!("api" / "notifications")
        .and(warp::post())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|context, headers, body| async move { answer(inbox::send(context, headers, body).await) });
    // POST /api/notifications/read
    let read_notifications = warp::path!("api" / "notifications" / "read")
        .and(warp::post())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|context, headers, body| async move { answer(inbox::read(context, headers, body).await) });
    // GET /api/users
    let list_users = warp::path!("api" / "users")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|context, headers| async move { answer(users::list(context, headers).await) });

    // GET /api/quarantine
    let list_quarantine = warp::path!("api" / "quarantine")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|context, headers, query| async move { answer(quarantine::list(context, headers, query).await) });
    // GET /api/quarantine/{id}
    let get_quarantined = warp::path!("api" / "quarantine" / i64)
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|id, context, headers| async move { answer(quarantine::get(context, headers, id).await) });
    // GET /api/quarantine/{id}/raw
    let raw_quarantined = warp::path!("api" / "quarantine" / i64 / "raw")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|id, context, headers| async move { answer(quarantine::raw(context, headers, id).await) });
    // POST /api/quarantine/retry
    let retry_quarantined = warp::path!("api" / "quarantine" / "retry")
        .and(warp::post())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|context, headers, body| async move { answer(quarantine::retry(context, headers, body).await) });
    // POST /api/quarantine/discard
    let discard_quarantined = warp::path!("api" / "quarantine" / "discard")
        .and(warp::post())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|context, headers, body| async move { answer(quarantine::discard(context, headers, body).await) });

    // GET /api/system
    let get_system = warp::path!("api" / "system")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|context, headers| async move { answer(doctor::get(context, headers).await) });
    // GET /api/refusals
    let list_refusals = warp::path!("api" / "refusals")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|context, headers, query| async move { answer(refusals::list(context, headers, query).await) });

    // GET /healthz
    let healthz = warp::path!("healthz").and(warp::get()).then(health::alive);
    // GET /readyz
    let readyz = warp::path!("readyz").and(warp::get()).and(with.clone()).then(health::ready);
    // GET /metrics
    let metrics = warp::path!("metrics").and(warp::get()).and(with).then(health::metrics);

    let webhook = post_webhook.or(head_webhook).unify().or(get_webhook).unify().boxed();
    let account = get_session
        .or(post_session)
        .unify()
        .or(delete_session)
        .unify()
        .or(list_users)
        .unify()
        .or(send_notification)
        .unify()
        .or(read_notifications)
        .unify()
        .boxed();
    let read = list_events
        .or(get_event)
        .unify()
        .or(get_raw)
        .unify()
        .or(get_message)
        .unify()
        .or(get_recipient)
        .unify()
        .or(list_notifications)
        .unify()
        .boxed();
    let operate = list_quarantine
        .or(get_quarantined)
        .unify()
        .or(raw_quarantined)
        .unify()
        .or(retry_quarantined)
        .unify()
        .or(discard_quarantined)
        .unify()
        .or(get_system)
        .unify()
        .or(list_refusals)
        .unify()
        .boxed();
    let health = healthz.or(readyz).unify().or(metrics).unify().boxed();
    webhook.or(read).unify().or(account).unify().or(operate).unify().or(health).unify().recover(refuse).map(private)
}

/// `GET /webhook/`: for scripts the newest events, for a browser the page from which batches can be posted.
async fn browse_webhook(context: Arc<Context>, headers: HeaderMap, query: String) -> Result<Response, ApiError> {
    let wants_page =
        headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"));
    if !wants_page {
        return events::list(context, headers, query).await;
    }
    session::reader(&context, &headers).await?;
    Ok(warp::redirect::see_other(warp::http::Uri::from_static("/simulate")).into_response())
}

fn answer(result: Result<Response, ApiError>) -> Response {
    result.unwrap_or_else(Reply::into_response)
}

async fn refuse(rejection: Rejection) -> Result<Response, Infallible> {
    Ok(Problem::of_rejection(&rejection).into_response())
}

/// Nothing here may be kept by a cache: it is for the one who asked.
fn private(reply: impl Reply) -> Response {
    let mut response = reply.into_response();
    response.headers_mut().insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
