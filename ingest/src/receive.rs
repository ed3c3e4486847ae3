//! `/webhook/`: bytes → proved → parsed → committed, or refused and remembered.

pub mod event;
pub mod form;
pub mod json;
pub mod payload;
pub mod refusal;
pub mod signature;
pub mod writer;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures::Stream;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use shared::serve::Peer;
use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use warp::reply::{Reply, Response};

use crate::account::session;
use crate::app::Context;
use crate::body;
use crate::config::Webhook;
use crate::error::{ApiError, is_away};
use form::FormError;
use payload::Batch;
use signature::{Proof, Unproved};
use writer::{Receipt, Source};

/// How long a delivery waits for room before it is told to come back.
const WAIT_FOR_ROOM: Duration = Duration::from_secs(2);
/// Bodies larger than this are worked on apart from other tasks.
const LARGE: usize = 256 << 10;
/// The header that Mandrill signs in.
const SIGNATURE: &str = "x-mandrill-signature";

/// `HEAD /webhook/`: Mandrill asks whether the address answers, before it has made a key.
pub async fn head() -> Response {
    StatusCode::OK.into_response()
}

/// `POST /webhook/`: a signed form from Mandrill, or JSON from a signed-in admin or a token.
///
/// # Errors
/// Those of design: 401 unproved or signed out, 403, 400, 413, 415, 503.
pub async fn post<B: Buf>(
    context: Arc<Context>,
    peer: Peer,
    headers: HeaderMap,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Response, ApiError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let received = if kind.starts_with("application/json") {
        simulation(&context, &headers, body).await
    } else {
        let received = delivery(&context, &headers, &kind, body).await;
        if let Err(error) = &received {
            remember(&context, error, peer);
        }
        received
    }?;
    Ok(warp::reply::json(&received).into_response())
}

/// Notes a refusal that its sender, or the operator, can do something about. Our own failures are no refusals.
fn remember(context: &Context, error: &ApiError, peer: Peer) {
    let problem = error.problem();
    if problem.status.is_client_error() {
        context.refusals.record(problem.code, peer);
    }
}

async fn delivery<B: Buf>(
    context: &Arc<Context>,
    headers: &HeaderMap,
    kind: &str,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Receipt, ApiError> {
    // Who is asking is judged first, and an unsigned body is not even read.
    let signature = headers.get(SIGNATURE).ok_or(Unproved::Unsigned)?;
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(ApiError::MediaType);
    }
    // What is not proved yet waits for room among its like, and never in the way of what is.
    let size = announced(headers, context.webhook.webhook_max_body);
    let unproved = room(&context.unproved, size, &context.webhook).await?;
    let body = read(context, body).await?;
    let (proof, fields) = heavy(body.len(), || -> Result<_, ApiError> {
        let fields = form::decode(&body)?;
        Ok((context.verifier.verify(signature.as_bytes(), &fields)?, fields))
    })?;
    let Proof::Webhook(label) = proof else { return Ok(Receipt::default()) };
    let _proved = room(&context.proved, body.len(), &context.webhook).await?;
    drop((body, unproved));
    let value = form::value(&fields, "mandrill_events").ok_or(FormError::NoEvents)?;
    let batch = heavy(value.len(), || Batch::read(value, false, OffsetDateTime::now_utc()));
    store(context, batch, Source::Webhook(label)).await
}

/// `{"mandrill_events":[…]}` as it may be posted by hand.
#[derive(Deserialize)]
struct Posted<'a> {
    #[serde(borrow)]
    mandrill_events: &'a RawValue,
}

async fn simulation<B: Buf>(
    context: &Arc<Context>,
    headers: &HeaderMap,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Receipt, ApiError> {
    let caller = session::caller(context, headers).await?;
    session::require_same_origin(context, headers, &caller)?;
    if !caller.may_simulate() {
        return Err(ApiError::Forbidden);
    }
    let size = announced(headers, context.webhook.webhook_max_body);
    let _room = room(&context.proved, size, &context.webhook).await?;
    let body = read(context, body).await?;
    let bad = |what: &str| ApiError::NotJson(what.to_owned());
    let text = std::str::from_utf8(&body).map_err(|_| bad("it is not UTF-8"))?;
    let posted: Posted<'_> = serde_json::from_str(text).map_err(|error| ApiError::NotJson(error.to_string()))?;
    let events = posted.mandrill_events.get();
    if !events.starts_with('[') {
        return Err(bad("`mandrill_events` is no array"));
    }
    let batch = heavy(events.len(), || Batch::read(events.as_bytes(), true, OffsetDateTime::now_utc()));
    store(context, batch, Source::Simulation).await
}

/// The whole body, within the configured size and time.
async fn read<B: Buf>(context: &Context, stream: impl Stream<Item = Result<B, warp::Error>>) -> Result<Bytes, ApiError> {
    let limits = &context.webhook;
    body::read(stream, limits.webhook_max_body, Duration::from_secs(limits.body_timeout_seconds)).await
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

/// Decodes, hashes or parses. Large bodies take tens of milliseconds of a core, for which this thread's other tasks move on.
fn heavy<T>(size: usize, work: impl FnOnce() -> T) -> T {
    if size > LARGE { tokio::task::block_in_place(work) } else { work() }
}

/// Commits in a task of its own: a client that goes away does not undo what was proved.
async fn store(context: &Arc<Context>, batch: Batch, source: Source) -> Result<Receipt, ApiError> {
    let task = tokio::spawn({
        let context = Arc::clone(context);
        async move {
            let receipt = writer::store(&context.pool, &batch, &source).await?;
            count(&batch, &receipt);
            context.outbox_filled.notify_one();
            Ok(receipt)
        }
    });
    let stored: Result<Receipt, sqlx::Error> = task.await.map_err(|_| ApiError::Internal("a writer panicked"))?;
    stored.map_err(|error| {
        if is_away(&error) {
            metrics::counter!("ingest_postponed_total").increment(1);
        }
        ApiError::Database(error)
    })
}

fn count(batch: &Batch, receipt: &Receipt) {
    for (outcome, count) in [("stored", receipt.stored), ("duplicate", receipt.duplicates), ("quarantined", receipt.quarantined)]
    {
        metrics::counter!("ingest_elements_total", "outcome" => outcome).increment(count as u64);
    }
    metrics::counter!("ingest_batches_total").increment(1);
    tracing::debug!(
        events = batch.events.len(),
        stored = receipt.stored,
        duplicates = receipt.duplicates,
        quarantined = receipt.quarantined,
        "committed a batch"
    );
}
