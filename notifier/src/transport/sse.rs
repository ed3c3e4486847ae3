//! `/sse`: the same frames as server-sent events, receive only, for networks that block websockets. The query string is the
//! subscription: `topics`, `after`, and filters as in `/api/events`.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, ORIGIN};
use shared::feed::Cursor;
use shared::filter::Filter;
use shared::serve::Peer;
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

/// Chunks that may wait for the answer's body.
const WAITING: usize = 64;

/// `GET /sse`: an event stream, after session and origin have both been found right.
///
/// # Errors
/// 400, 401, 403, 429, 503, as problem documents.
pub async fn open(state: Arc<AppState>, headers: HeaderMap, peer: Peer, query: String) -> Result<Response, ApiError> {
    // A page's own stream names no Origin; the browser vouches for it in another header.
    let same_origin = !headers.contains_key(ORIGIN) && headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    let is_ours = same_origin || state.origins.allow(&headers);
    let (_, guard) = admission::admit(&state, &headers, peer, is_ours).await?;
    let (subscription, after) = asked(&query)?;
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    metrics::counter!("notifier_upgrades_total", "outcome" => "event_stream").increment(1);
    let (body, chunks) = mpsc::channel(WAITING);
    let writer = Arc::new(ClientWriter::for_event_stream(body.clone(), Arc::clone(&guard.close_signal)));
    writer.send(Framing::EventStream.frame(&admission::hello(&state, &guard), None));
    guard.join(writer, Framing::EventStream).await;
    guard.subscribe(subscription, resumed.or(after)).await;
    state.tasks.spawn(see_to_end(guard, body));
    Ok(answer(chunks))
}

/// What the query string asks for: everything, unless it says otherwise.
fn asked(query: &str) -> Result<(Subscription, Option<Cursor>), ApiError> {
    let (mut topics, mut after, mut filters) = (vec![Topic::Events, Topic::Notifications], None, Vec::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "topics" => {
                let read = |topic: &str| serde_json::from_value(topic.into());
                topics = value.split(',').map(read).collect::<Result<_, _>>().map_err(|_| ApiError::BadTopics)?;
            }
            "after" => after = Some(value.parse().map_err(|_| ApiError::BadCursor)?),
            _ => filters.push((name, value)),
        }
    }
    let filter = Filter::from_pairs(filters.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))?;
    Ok((Subscription::new(&topics, filter), after))
}

/// Holds the place until the client has gone or the stream is to end. The end of the stream is all that the client is told.
async fn see_to_end(guard: ConnectionGuard, body: mpsc::Sender<Bytes>) {
    tokio::select! {
        () = body.closed() => {}
        _ = guard.close_signal.wait() => {}
    }
    guard.leave().await;
}

fn answer(chunks: mpsc::Receiver<Bytes>) -> Response {
    let body = stream::unfold(chunks, |mut chunks| async move {
        let chunk = chunks.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(chunk), chunks))
    });
    let mut response = warp::reply::stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would gather what should go out at once.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
