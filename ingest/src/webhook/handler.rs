//! `/webhook/`: reads and verifies a delivery, and responds after it has been committed. Rejections are counted and explained to operators.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use futures::Stream;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use shared::serve::Peer;
use shared::session::{Caller, Permission};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::ToSchema;
use warp::path::FullPath;
use warp::reply::{Reply, Response};

use crate::api::events::filters::{Filters, PeriodFilters};
use crate::api::events::{self, EventList};
use crate::config::Webhook;
use crate::http::auth;
use crate::http::body::{self, Limits};
use crate::http::error::ApiError;
use crate::http::page::{EventCursor, Limit, Page};
use crate::state::AppState;
use crate::store::sqlstate;
use crate::webhook::delivery::{CommitError, Delivery, Receipt, Source};
use crate::webhook::diagnose::{self, NearMiss, RefusedRequest};
use crate::webhook::evidence::{self, Evidence};
use crate::webhook::form::Form;
use crate::webhook::refusals::Sender;
use crate::webhook::signature::{SignatureError, Verification};

/// How long a delivery waits for memory before it is rejected with 503.
const MEMORY_TIMEOUT: Duration = Duration::from_secs(2);
/// The header that contains Mandrill's signature.
const SIGNATURE: &str = "x-mandrill-signature";
/// Maximum size of a form for which the near-miss search runs, in bytes.
const MAX_DIAGNOSED_BYTES: usize = 1 << 20;

/// The request target as sent by the client. The near-miss search uses it.
#[derive(Debug)]
pub struct Target {
    path: String,
    query: String,
}

impl Target {
    /// Creates a target from the parts that warp provides.
    pub fn new(path: FullPath, query: String) -> Self {
        Self { path: path.as_str().to_owned(), query }
    }
}

/// Responds to Mandrill's URL check. Mandrill sends it before the webhook has a key.
#[utoipa::path(head, path = "/webhook/", operation_id = "checkWebhook", tag = "webhook", security(()),
    responses((status = 200, description = "The URL responds.")))]
pub async fn head(_: Arc<AppState>) -> Result<Response, ApiError> {
    Ok(StatusCode::OK.into_response())
}

/// Accepts a delivery: a signed form from Mandrill, or JSON from an admin or a token.
///
/// Events posted as JSON are marked as simulated. The response is sent after the commit. Elements that are not valid events are quarantined
/// and do not affect the others.
///
/// # Errors
/// 401 if unverified or not signed in, 403, 400, 413, 415 or 503.
#[utoipa::path(post, path = "/webhook/", operation_id = "deliver", tag = "webhook",
    security(("signature" = []), ("session" = ["operator"], "csrf" = []), ("token" = ["simulate"])),
    request_body(content((PostedBatch = "application/json"), (SignedForm = "application/x-www-form-urlencoded"))),
    responses((status = 200, description = "How many elements were stored, were duplicates, or were quarantined.", body = Receipt),
        (status = 400, description = "`form_broken`, `form_field_repeated`, `form_field_extra`, `form_too_many_fields`, `form_without_events`"),
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
    let media_type = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let receipt = if media_type.starts_with("application/json") {
        accept_simulation(&state, &headers, body).await?
    } else {
        accept_signed(&state, peer, &target, &headers, &media_type, body).await.map_err(|refusal| {
            record_refusal(&state, &refusal, peer);
            refusal.error
        })?
    };
    Ok(warp::reply::json(&receipt).into_response())
}

/// Counts a rejection that the sender or the operator can fix. Our own failures are not counted.
fn record_refusal(state: &AppState, refusal: &Refusal, peer: Peer) {
    let problem = refusal.error.problem();
    if problem.status.is_client_error() {
        state.refusals.record(problem.code, peer, refusal.evidence, refusal.near_miss.as_ref());
    }
}

/// A rejection, with what is known about its sender.
struct Refusal {
    error: ApiError,
    evidence: Evidence,
    /// The mistakes that explain a wrong signature, if they were found.
    near_miss: Option<NearMiss>,
}

impl Refusal {
    fn new(error: impl Into<ApiError>, evidence: Evidence) -> Self {
        Self { error: error.into(), evidence, near_miss: None }
    }
}

async fn accept_signed<B: Buf>(
    state: &Arc<AppState>,
    peer: Peer,
    target: &Target,
    headers: &HeaderMap,
    media_type: &str,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Receipt, Refusal> {
    // Reject unsigned requests without reading the body.
    let signature = headers.get(SIGNATURE).map(HeaderValue::as_bytes);
    let unread = evidence::of_headers(signature, headers);
    let signature = signature.ok_or_else(|| Refusal::new(SignatureError::Unsigned, unread))?;
    if !media_type.starts_with("application/x-www-form-urlencoded") {
        return Err(Refusal::new(ApiError::MediaType, unread));
    }
    // Unverified bodies have a separate memory budget, so that they cannot crowd out verified ones.
    let size = content_length(headers, state.webhook.webhook_max_body);
    let unverified = reserve(&state.unverified, size, &state.webhook);
    let (body, unverified) = read(state, body, size, unverified).await.map_err(|error| Refusal::new(error, unread))?;
    let size = body.len();
    // Decode on this worker thread: a full batch takes only a few milliseconds, and every additional thread would hold on to the memory
    // that it frees.
    let form = Form::decode(body).map_err(|error| Refusal::new(error, unread))?;
    let verification = match state.verifier.verify(signature, &form) {
        Ok(verification) => verification,
        Err(error) => {
            let evidence = evidence::of_form(signature, &form);
            let near_miss = diagnose(state, error, &form, Sender { peer, evidence }, target, headers);
            let evidence = if near_miss.is_some() { Evidence::Proven } else { evidence };
            return Err(Refusal { error: error.into(), evidence, near_miss });
        }
    };
    let (bytes, value) = form.into_events().map_err(|error| Refusal::new(error, Evidence::Proven))?;
    let Verification::Webhook(label) = verification else { return Ok(Receipt::default()) };
    let proven = |error| Refusal::new(error, Evidence::Proven);
    let memory = reserve(&state.verified, size, &state.webhook).await.map_err(proven)?;
    drop(unverified);
    commit(state, Delivery { bytes, value, source: Source::Webhook(label), memory }).await.map_err(proven)
}

/// Searches for the configuration mistake behind an invalid signature. Because anyone can post garbage, the search is limited to forms of
/// ordinary size and to a few per second. Only operators see the result.
fn diagnose(
    state: &AppState,
    error: SignatureError,
    form: &Form,
    sender: Sender,
    target: &Target,
    headers: &HeaderMap,
) -> Option<NearMiss> {
    let size: usize = form.fields().map(|(name, value)| name.len() + value.len()).sum();
    if error != SignatureError::WrongSignature || size > MAX_DIAGNOSED_BYTES || !state.refusals.may_search(sender) {
        return None;
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let request = RefusedRequest {
        signature: headers.get(SIGNATURE)?.as_bytes(),
        scheme: text("x-forwarded-proto"),
        host: text("host"),
        path: &target.path,
        query: Some(target.query.as_str()).filter(|query| !query.is_empty()),
        authorization: text("authorization"),
    };
    diagnose::find(&state.webhook.webhook_keys, &state.webhook.webhook_urls, form, &request)
}

/// A batch in the form that Mandrill posts and signs.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form in the API document; `Form` decodes it, because its bytes are signed")]
struct SignedForm {
    /// A JSON array.
    #[schema(content_media_type = "application/json")]
    mandrill_events: String,
}

/// A batch in the form that users and programs can post.
#[derive(Deserialize, ToSchema)]
#[schema(as = Batch)]
struct PostedBatch<'a> {
    /// Arbitrary elements. Each one is handled independently.
    #[serde(borrow)]
    #[schema(value_type = Vec<serde_json::Value>)]
    mandrill_events: &'a RawValue,
}

async fn accept_simulation<B: Buf>(
    state: &Arc<AppState>,
    headers: &HeaderMap,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Receipt, ApiError> {
    let caller = auth::require_write(state, headers).await?;
    if !caller.may(Permission::Simulate) {
        return Err(ApiError::Forbidden);
    }
    let size = content_length(headers, state.webhook.webhook_max_body);
    let (bytes, memory) = read(state, body, size, reserve(&state.verified, size, &state.webhook)).await?;
    let value = find_array(&bytes)?;
    commit(state, Delivery { bytes, value, source: Source::Simulation, memory }).await
}

/// Finds the range of the `mandrill_events` JSON array in a body.
fn find_array(body: &[u8]) -> Result<Range<usize>, ApiError> {
    let invalid = |what: &str| ApiError::NotJson(what.to_owned());
    let text = std::str::from_utf8(body).map_err(|_| invalid("it is not UTF-8"))?;
    let posted: PostedBatch<'_> = serde_json::from_str(text).map_err(|error| ApiError::NotJson(error.to_string()))?;
    let events = posted.mandrill_events.get();
    if !events.starts_with('[') {
        return Err(invalid("`mandrill_events` is not an array"));
    }
    let start = events.as_ptr().addr() - body.as_ptr().addr();
    Ok(start..start + events.len())
}

/// Reads the body within the configured size and time limits, and reserves memory for it.
async fn read<B: Buf, R>(
    state: &AppState,
    stream: impl Stream<Item = Result<B, warp::Error>>,
    expected: usize,
    reservation: impl Future<Output = Result<R, ApiError>>,
) -> Result<(Vec<u8>, R), ApiError> {
    let config = &state.webhook;
    let limits = Limits { max: config.webhook_max_body, expected, time: Duration::from_secs(config.body_timeout_seconds) };
    body::read(stream, limits, reservation).await
}

/// Returns the declared size of the body, capped at `max`, or `max` if the client does not declare a size.
fn content_length(headers: &HeaderMap, max: usize) -> usize {
    let length = headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(max).min(max)
}

/// Reserves `size` bytes from a memory budget, or the whole budget if `size` exceeds it.
async fn reserve(budget: &Arc<Semaphore>, size: usize, limits: &Webhook) -> Result<OwnedSemaphorePermit, ApiError> {
    let permits = u32::try_from(size.clamp(1, (limits.webhook_memory / 2).max(1))).unwrap_or(u32::MAX);
    let waiting = Arc::clone(budget).acquire_many_owned(permits);
    match tokio::time::timeout(MEMORY_TIMEOUT, waiting).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) | Err(_) => Err(ApiError::NoRoom),
    }
}

async fn commit(state: &AppState, delivery: Delivery) -> Result<Receipt, ApiError> {
    let outcome = state.deliveries.commit(delivery).await;
    if let Err(CommitError::Database(error)) = &outcome
        && sqlstate::is_unavailable(error)
    {
        metrics::counter!("ingest_postponed_total").increment(1);
    }
    Ok(outcome?)
}

/// Lists events in the same way as `/api/events`. Redirects browsers to the page for posting test batches.
#[utoipa::path(get, path = "/webhook/", operation_id = "browseWebhook", tag = "webhook",
    params(Filters, PeriodFilters, Limit, EventCursor),
    responses((status = 200, description = "A page of events.", body = EventList),
        (status = 303, description = "For clients that accept `text/html`. The page is `/simulate`."),
        (status = 400, description = "`bad_filter`, `bad_page`")))]
pub async fn browse(state: Arc<AppState>, caller: Caller, headers: HeaderMap, page: Page) -> Result<Response, ApiError> {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/html")) {
        return Ok(warp::redirect::see_other(warp::http::Uri::from_static("/simulate")).into_response());
    }
    events::list(state, caller, page).await
}
