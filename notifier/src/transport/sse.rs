//! `/sse`: the frames of `/ws` as server-sent events, for networks that block websockets. The client cannot send.
//!
//! The query string is the subscription: `topics`, `after`, and filters as in `/api/events`.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, ORIGIN};
use shared::feed::Cursor;
use shared::filter::Filter;
use shared::serve::Peer;
use shared::session::Caller;
use tokio::sync::mpsc;
use warp::reply::{Reply, Response};

use crate::error::ApiError;
use crate::fanout::framing::Framing;
use crate::fanout::hub::ConnectionGuard;
use crate::fanout::protocol::Topic;
use crate::fanout::subscription::Subscription;
use crate::state::AppState;
use crate::transport::admission;
use crate::transport::writer::ClientWriter;

/// Maximum number of chunks buffered for the response body.
const QUEUE: usize = 64;

/// `GET /sse`: checks the session and origin, then opens an event stream.
///
/// # Errors
/// 400, 401, 403, 429 or 503.
pub async fn open(state: Arc<AppState>, headers: HeaderMap, peer: Peer, query: String) -> Result<Response, ApiError> {
    // For a same-origin event stream, browsers send no Origin header, but they do send this one, which no page can set.
    let same_origin = !headers.contains_key(ORIGIN) && headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    let origin_allowed = same_origin || state.origins.allow(&headers);
    let (caller, guard) = admission::admit(&state, &headers, peer, origin_allowed).await?;
    let (subscription, after) = parse_query(&query, &caller)?;
    let last_event = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    metrics::counter!("notifier_upgrades_total", "outcome" => "event_stream").increment(1);
    let (body, chunks) = mpsc::channel(QUEUE);
    let writer = Arc::new(ClientWriter::for_event_stream(body.clone(), Arc::clone(&guard.close_signal)));
    writer.send(Framing::EventStream.frame(&admission::hello(&state, &guard), None));
    guard.join(writer, Framing::EventStream).await;
    guard.subscribe(subscription, last_event.or(after)).await;
    state.tasks.spawn(wait_for_close(guard, body));
    Ok(response(chunks))
}

/// The subscription and the cursor to resume from. The default is both topics.
fn parse_query(query: &str, caller: &Caller) -> Result<(Subscription, Option<Cursor>), ApiError> {
    let (mut topics, mut after, mut filters) = (vec![Topic::Events, Topic::Notifications], None, Vec::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "topics" => {
                let parse = |topic: &str| serde_json::from_value(topic.into());
                topics = value.split(',').map(parse).collect::<Result<_, _>>().map_err(|_| ApiError::BadTopics)?;
            }
            "after" => after = Some(value.parse().map_err(|_| ApiError::BadCursor)?),
            _ => filters.push((name, value)),
        }
    }
    let filter = Filter::from_pairs(filters.iter().map(|(name, value)| (name.as_ref(), value.as_ref())), caller)?;
    Ok((Subscription::new(&topics, filter, caller.masking()), after))
}

/// Holds the guard until the client disconnects or the stream is closed. A stream that we close ends without giving a reason.
async fn wait_for_close(guard: ConnectionGuard, body: mpsc::Sender<Bytes>) {
    tokio::select! {
        () = body.closed() => {}
        _ = guard.close_signal.wait() => {}
    }
    guard.leave().await;
}

fn response(chunks: mpsc::Receiver<Bytes>) -> Response {
    let body = stream::unfold(chunks, |mut chunks| async move {
        let chunk = chunks.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(chunk), chunks))
    });
    let mut response = warp::reply::stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Makes nginx forward frames without buffering them.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
