//! `/webhook/`: bytes → proved → parsed → committed, or refused and remembered.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use futures::Stream;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use shared::event::Event;
use shared::serve::Peer;
use shared::session::Caller;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::ToSchema;
use warp::path::FullPath;
use warp::reply::{Reply, Response};

use crate::api::events;
use crate::api::events::filters::Filters;
use crate::config::Webhook;
use crate::http::auth;
use crate::http::body::{self, Limits};
use crate::http::error::{ApiError, is_away};
use crate::http::page::{EventCursor, Limit, List, Page};
use crate::state::AppState;
use crate::webhook::diagnose::{self, Asked, NearMiss};
use crate::webhook::form::Form;
use crate::webhook::queue::{Delivery, NotStored, Receipt, Source};
use crate::webhook::signature::{Proof, Unproved};

/// How long a delivery waits for room before it is told to come back.
const WAIT_FOR_ROOM: Duration = Duration::from_secs(2);
/// The header that Mandrill signs in.
const SIGNATURE: &str = "x-mandrill-signature";

/// Largest form in which the mistake behind a wrong signature is looked for.
const MOST_EXPLAINED: usize = 1 << 20;

/// The request's target, as the client sent it: part of what a near miss is searched in.
#[derive(Debug)]
pub struct Target {
    path: String,
    query: String,
}

impl Target {
    /// From the parts that warp gives.
    pub fn new(path: FullPath, query: String) -> Self {
        Self { path: path.as_str().to_owned(), query }
    }
}

/// Answers Mandrill, which asks whether the address is there before it has made a key.
#[utoipa::path(head, path = "/webhook/", operation_id = "checkWebhook", tag = "webhook", security(()),
    responses((status = 200, description = "It is.")))]
pub async fn head(_: Arc<AppState>) -> Result<Response, ApiError> {
    Ok(StatusCode::OK.into_response())
}

/// Takes a delivery: a signed form from Mandrill, or JSON from an admin or a token.
///
/// What is posted as JSON is marked as simulated. The answer comes after the commit; what cannot be an event is kept apart, and
/// costs the others nothing.
///
/// # Errors
/// 401 unproved or signed out, 403, 400, 413, 415, 503.
#[utoipa::path(post, path = "/webhook/", operation_id = "deliver", tag = "webhook",
    security(("signature" = []), ("session" = ["admin"], "csrf" = []), ("token" = ["simulate"])),
    request_body(content((Posted = "application/json"), (SignedForm = "application/x-www-form-urlencoded"))),
    responses((status = 200, description = "What became of its elements.", body = Receipt),
        (status = 400, description = "`form_broken`, `form_field_repeated`, `form_too_many_fields`, `form_without_events`"),
        (status = 401, description = "`unsigned`, `no_key`, `no_url`, `wrong_signature`"),
        (status = 415, description = "`media_type`"),
        (status = 503, description = "`no_room`, `stopping`")))]
pub async fn post<B: Buf>(
    state: Arc<AppState>,
    peer: Peer,
    target: Target,
    headers: HeaderMap,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Response, ApiError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let received = if kind.starts_with("application/json") {
        simulation(&state, &headers, body).await
    } else {
        match delivery(&state, &target, &headers, &kind, body).await {
            Ok(receipt) => Ok(receipt),
            Err((error, near_miss)) => {
                remember(&state, &error, peer, near_miss);
                Err(error)
            }
        }
    }?;
    Ok(warp::reply::json(&received).into_response())
}

/// Notes a refusal that its sender, or the operator, can do something about. Our own failures are no refusals.
fn remember(state: &AppState, error: &ApiError, peer: Peer, near_miss: Option<NearMiss>) {
    let problem = error.problem();
    if problem.status.is_client_error() {
        state.refusals.record(problem.code, peer, near_miss);
    }
}

/// A refusal, and what would have been right, where somebody looked and found it.
type Refused = (ApiError, Option<NearMiss>);

/// A refusal that needs no explanation beyond its own.
fn plainly(error: impl Into<ApiError>) -> Refused {
    (error.into(), None)
}

async fn delivery<B: Buf>(
    state: &Arc<AppState>,
    target: &Target,
    headers: &HeaderMap,
    kind: &str,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Receipt, Refused> {
    // Who is asking is judged first, and an unsigned body is not even read.
    let signature = headers.get(SIGNATURE).ok_or(Unproved::Unsigned).map_err(plainly)?;
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(plainly(ApiError::MediaType));
    }
    // What is not proved yet waits for room among its like, and never in the way of what is.
    let size = announced(headers, state.webhook.webhook_max_body);
    let unproved = room(&state.unproved, size, &state.webhook);
    let (body, unproved) = read(state, body, size, unproved).await.map_err(plainly)?;
    let size = body.len();
    // Here, and not on a thread of its own: a full batch takes a few milliseconds, and threads keep the memory that they free.
    let form = Form::decode(body).map_err(plainly)?;
    let proof = match state.verifier.verify(signature.as_bytes(), &form) {
        Ok(proof) => proof,
        Err(unproved) => return Err((unproved.into(), explain(state, unproved, &form, target, headers))),
    };
    let Proof::Webhook(label) = proof else { return Ok(Receipt::default()) };
    let proved = room(&state.proved, size, &state.webhook).await.map_err(plainly)?;
    drop(unproved);
    let (bytes, value) = form.into_events().map_err(plainly)?;
    store(state, Delivery { bytes, value, source: Source::Webhook(label), room: proved }).await.map_err(plainly)
}

/// Looks for the mistake of set-up that would explain a wrong signature: in bodies of ordinary size, and seldom, since
/// anybody may post nonsense. Only those who run the service are told.
fn explain(state: &AppState, unproved: Unproved, form: &Form, target: &Target, headers: &HeaderMap) -> Option<NearMiss> {
    let size: usize = form.fields().map(|(name, value)| name.len() + value.len()).sum();
    if unproved != Unproved::WrongSignature || size > MOST_EXPLAINED || !state.refusals.may_search() {
        return None;
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let asked = Asked {
        signature: headers.get(SIGNATURE)?.as_bytes(),
        scheme: text("x-forwarded-proto"),
        host: text("host"),
        path: &target.path,
        query: Some(target.query.as_str()).filter(|query| !query.is_empty()),
        authorization: text("authorization"),
    };
    diagnose::find(&state.webhook.webhook_keys, &state.webhook.webhook_urls, form, &asked)
}

/// A batch, as Mandrill posts and signs it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used: forms are decoded by `Form`, since their bytes are signed")]
struct SignedForm {
    /// A JSON array.
    #[schema(content_media_type = "application/json")]
    mandrill_events: String,
}

/// A batch, as it may be posted by hand.
#[derive(Deserialize, ToSchema)]
#[schema(as = Batch)]
struct Posted<'a> {
    /// Whatever these are: each is judged alone.
    #[serde(borrow)]
    #[schema(value_type = Vec<serde_json::Value>)]
    mandrill_events: &'a RawValue,
}

async fn simulation<B: Buf>(
    state: &Arc<AppState>,
    headers: &HeaderMap,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Receipt, ApiError> {
    let caller = auth::require_write(state, headers).await?;
    if !caller.may_simulate() {
        return Err(ApiError::Forbidden);
    }
    let size = announced(headers, state.webhook.webhook_max_body);
    let (bytes, room) = read(state, body, size, room(&state.proved, size, &state.webhook)).await?;
    let value = value_of(&bytes)?;
    store(state, Delivery { bytes, value, source: Source::Simulation, room }).await
}

/// Where in the body the array lies.
fn value_of(body: &[u8]) -> Result<Range<usize>, ApiError> {
    let bad = |what: &str| ApiError::NotJson(what.to_owned());
    let text = std::str::from_utf8(body).map_err(|_| bad("it is not UTF-8"))?;
    let posted: Posted<'_> = serde_json::from_str(text).map_err(|error| ApiError::NotJson(error.to_string()))?;
    let events = posted.mandrill_events.get();
    if !events.starts_with('[') {
        return Err(bad("`mandrill_events` is no array"));
    }
    let start = events.as_ptr().addr() - body.as_ptr().addr();
    Ok(start..start + events.len())
}

/// The whole body, within the configured size and time, and the room that it takes.
async fn read<B: Buf, R>(
    state: &AppState,
    stream: impl Stream<Item = Result<B, warp::Error>>,
    expected: usize,
    room: impl Future<Output = Result<R, ApiError>>,
) -> Result<(Vec<u8>, R), ApiError> {
    let config = &state.webhook;
    let limits = Limits { most: config.webhook_max_body, expected, time: Duration::from_secs(config.body_timeout_seconds) };
    body::read(stream, limits, room).await
}

/// How large the body says it is; as large as can be, if it does not say.
fn announced(headers: &HeaderMap, most: usize) -> usize {
    let length = headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(most).min(most)
}

/// Takes `size` bytes of a budget, at most all that it has.
async fn room(budget: &Arc<Semaphore>, size: usize, limits: &Webhook) -> Result<OwnedSemaphorePermit, ApiError> {
    let permits = u32::try_from(size.clamp(1, (limits.webhook_memory / 2).max(1))).unwrap_or(u32::MAX);
    let waiting = Arc::clone(budget).acquire_many_owned(permits);
    match tokio::time::timeout(WAIT_FOR_ROOM, waiting).await {
        Ok(Ok(room)) => Ok(room),
        Ok(Err(_)) | Err(_) => Err(ApiError::NoRoom),
    }
}

async fn store(state: &AppState, delivery: Delivery) -> Result<Receipt, ApiError> {
    let stored = state.writers.store(delivery).await;
    if let Err(NotStored::Database(error)) = &stored
        && is_away(error)
    {
        metrics::counter!("ingest_postponed_total").increment(1);
    }
    Ok(stored?)
}

/// Lists events as `/api/events` does; redirects a browser to the page that posts test batches.
#[utoipa::path(get, path = "/webhook/", operation_id = "browseWebhook", tag = "webhook",
    params(Filters, Limit, EventCursor),
    responses((status = 200, description = "A page of events.", body = List<Event>),
        (status = 303, description = "For clients that accept `text/html`: the page is `/simulate`."),
        (status = 400, description = "`bad_filter`, `bad_page`"), (status = 503, description = "`too_slow`")))]
pub async fn browse(state: Arc<AppState>, caller: Caller, headers: HeaderMap, page: Page) -> Result<Response, ApiError> {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/html")) {
        return Ok(warp::redirect::see_other(warp::http::Uri::from_static("/simulate")).into_response());
    }
    events::list(state, caller, page).await
}
