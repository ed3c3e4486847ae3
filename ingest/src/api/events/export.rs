//! `/api/events/export`: all events that match a filter, streamed as CSV or NDJSON, newest first.
//!
//! Pages are read from the database only as fast as the client consumes them. An export of a million rows therefore needs memory for
//! only a few pages, and a slow client does not hold a Postgres connection.

mod format;
pub(crate) mod slots;

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::json;
use shared::event::Event;
use shared::filter::Filter;
use shared::masking::Masking;
use shared::session::{Caller, Credential, Permission, authenticate_again};
use sqlx::PgPool;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use warp::reply::{Reply, Response};

use self::format::Format;
use self::slots::ExportSlot;
use crate::api::events::filters::{Filters, PeriodFilters, parse_filter};
use crate::api::reading;
use crate::audit::Read;
use crate::http::error::ApiError;
use crate::http::page::Pairs;
use crate::state::AppState;
use crate::store::events::list::ListPosition;
use crate::store::events::payload;
use crate::store::events::search::{self, Found};
use crate::store::reports::Report;

/// Number of events in the first database read.
const FIRST_PAGE_EVENTS: i64 = 100;
const MAX_PAGE_EVENTS: i64 = 1_000;
/// How long a page is searched for, before the caller is checked again and the search goes on.
const SEARCH_TIME: Duration = Duration::from_secs(2);
/// Size of a page that later reads aim for, in bytes.
const PAGE_BYTES: usize = 512 << 10;
/// Size of the payloads that are in memory at a time, unless a single one has more.
const PART_BYTES: i64 = 1 << 20;
/// Size of a line without its payload, approximately.
const TYPICAL_LINE_BYTES: usize = 1 << 10;
/// If a read replica is read: how many seconds old its data is at most.
const REPLICA_LAG: HeaderName = HeaderName::from_static("replica-lag");
/// A client that reads nothing for this long is disconnected.
const STALLED_AFTER: Duration = Duration::from_secs(60);
/// How often a client that reads slowly is checked for what it may still see.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Streams all events that match the filters, newest first.
///
/// If a read fails midway, or the caller is disabled or may no longer see the same events, the response is aborted, so that clients do not
/// mistake a partial export for a complete one.
///
/// # Errors
/// 401; 400 `bad_filter` or `bad_page`; 429 `too_many_exports`; 503 `too_slow`.
#[utoipa::path(get, path = "/api/events/export", operation_id = "exportEvents", tag = "events",
    params(Filters, PeriodFilters, ("format" = inline(Option<Format>), Query, description = "`csv` by default."),
        ("bom" = Option<bool>, Query, description = "Begin a CSV file with a byte order mark, which Excel needs to read it as UTF-8."),
        ("payload" = Option<bool>, Query, description = "Add `payload` to each line of NDJSON: the element that Mandrill sent.")),
    responses((status = 200, description = "One line per event.",
            headers(("Replica-Lag" = u64, description = "If a read replica is read: how many seconds old its data is at most.")),
            content((String = "text/csv"), (String = "application/x-ndjson"))),
        (status = 400, description = "`bad_filter`, `bad_page`"), (status = 429, description = "`too_many_exports`"),
        (status = 503, description = "`too_slow`")))]
pub async fn get(state: Arc<AppState>, caller: Caller, query: Pairs) -> Result<Response, ApiError> {
    let (mut format, mut with_mark, mut with_payloads, mut pairs) = (Format::Csv, false, false, Vec::new());
    for (name, value) in query.0 {
        match (name.as_ref(), value.as_ref()) {
            ("format", "csv") => format = Format::Csv,
            ("format", "ndjson") => format = Format::Ndjson,
            ("format", _) => return Err(ApiError::bad_page(&name)),
            ("bom", value) => with_mark = value.parse().map_err(|_| ApiError::bad_page("bom"))?,
            ("payload", value) => with_payloads = value.parse().map_err(|_| ApiError::bad_page("payload"))?,
            _ => pairs.push((name, value)),
        }
    }
    if with_payloads && format == Format::Csv {
        return Err(ApiError::bad_page("payload"));
    }
    let (filter, masking) = (parse_filter(&pairs, &caller)?, caller.masking());
    let slot = state.exports.take(caller.user.id).ok_or(ApiError::TooManyExports)?;
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    let hmac = filter.recipient.as_deref().and_then(|email| reading::hmac(&state, email));
    let detail = json!({"format": format.name(), "payload": with_payloads, "conditions": names, "hmac": hmac});
    reading::record(&state, &caller, Read::Export, detail).await?;
    // Read the first page here, so that a failure can still be reported as an error response.
    let filter_of = &filter;
    let read =
        state.reports.read(|pool| async move { search::search(&pool, filter_of, None, FIRST_PAGE_EVENTS, SEARCH_TIME).await });
    let Report { value: first_page, lag_seconds } = read.await?;
    let on_replica = lag_seconds.is_some();
    let source = Source { state: Arc::clone(&state), on_replica };
    let abort = CancellationToken::new();
    let body_abort = abort.clone();
    let credential = caller.credential;
    let export = Export { state, source, filter, format, with_mark, with_payloads, masking, credential, abort, _slot: slot };
    let chunks = export.start(first_page);
    let body = stream::unfold(Some((chunks, body_abort)), |open| async {
        let (mut chunks, abort) = open?;
        match chunks.recv().await.filter(|_| !abort.is_cancelled()) {
            Some(Chunk::Lines(lines)) => Some((Ok(lines), Some((chunks, abort)))),
            Some(Chunk::End) => None,
            // The task has failed: an error aborts the response.
            None => Some((Err(io::Error::other("the export was aborted")), None)),
        }
    });
    let mut response = warp::reply::stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(format.content_disposition()));
    if let Some(seconds) = lag_seconds {
        headers.insert(REPLICA_LAG, HeaderValue::from(seconds));
    }
    Ok(response)
}

/// What the reading task sends to the response.
enum Chunk {
    Lines(Bytes),
    /// The export is complete.
    End,
}

/// A running export.
struct Export {
    state: Arc<AppState>,
    source: Source,
    filter: Filter,
    format: Format,
    with_mark: bool,
    with_payloads: bool,
    masking: Masking,
    credential: Credential,
    /// Cancelled if the export failed, so that what it read before is not sent any more.
    abort: CancellationToken,
    _slot: ExportSlot,
}

impl Export {
    /// Starts a task that reads and formats pages. It stays two pages ahead of the client: one is buffered in the channel, and one is waiting
    /// to be sent to it.
    fn start(self, first_page: Found) -> Receiver<Chunk> {
        let (chunks, receiver) = mpsc::channel(1);
        let abort = self.abort.clone();
        tokio::spawn(async move {
            if let Err(error) = self.send_pages(first_page, &chunks).await
                && error.kind() != ErrorKind::BrokenPipe
            {
                abort.cancel();
                tracing::warn!(%error, "an export was aborted");
            }
        });
        receiver
    }

    async fn send_pages(mut self, first_page: Found, chunks: &Sender<Chunk>) -> io::Result<()> {
        if let Some(heading) = self.format.heading(self.with_mark)? {
            self.send(chunks, Chunk::Lines(heading)).await?;
        }
        let (mut found, mut limit) = (first_page, FIRST_PAGE_EVENTS);
        loop {
            let next = next_position(&found, limit);
            let events = self.masking.events(found.events);
            if !events.is_empty() {
                let bytes = self.send_lines(&events, chunks).await?;
                limit = next_limit(events.len(), bytes);
            }
            drop(events);
            let Some(position) = next else { return self.send(chunks, Chunk::End).await };
            self.check_caller().await?;
            found = self.next_page(position, limit).await.map_err(io::Error::other)?;
        }
    }

    /// Sends the lines of a page. Returns how many bytes they have without payloads.
    async fn send_lines(&mut self, events: &[Event], chunks: &Sender<Chunk>) -> io::Result<usize> {
        if !self.with_payloads {
            let lines = self.format.lines(events, &self.masking)?;
            let bytes = lines.len();
            self.send(chunks, Chunk::Lines(lines)).await?;
            return Ok(bytes);
        }
        let parts = self.source.read(|pool| async move { payload::parts(&pool, events, PART_BYTES).await });
        for part in parts.await.map_err(io::Error::other)? {
            let stored = self.source.read(|pool| async move { payload::of_events(&pool, part).await }).await;
            let mut payloads = HashMap::new();
            for (id, stored) in stored.map_err(io::Error::other)? {
                let payload = self.state.codec.read(self.state.reports.primary(), stored).await;
                payloads.insert(id, payload.map_err(io::Error::other)?);
            }
            self.send(chunks, Chunk::Lines(format::with_payloads(part, &payloads, &self.masking)?)).await?;
        }
        Ok(events.len() * TYPICAL_LINE_BYTES)
    }

    /// Fails if the caller may no longer see the same events.
    async fn check_caller(&self) -> io::Result<()> {
        let caller = authenticate_again(&self.state.pool, &self.credential).await.map_err(io::Error::other)?;
        let is_same = |caller: Caller| {
            caller.may(Permission::Read) && caller.visibility() == self.filter.visibility && caller.masking() == self.masking
        };
        if caller.is_some_and(is_same) { Ok(()) } else { Err(io::Error::other("the caller may no longer see the same events")) }
    }

    /// Waits until the client has room for the chunk, and checks meanwhile that the caller may still see it.
    async fn send(&self, chunks: &Sender<Chunk>, chunk: Chunk) -> io::Result<()> {
        let stalled_at = Instant::now() + STALLED_AFTER;
        loop {
            match timeout(CHECK_INTERVAL, chunks.reserve()).await {
                Ok(Ok(permit)) => {
                    permit.send(chunk);
                    return Ok(());
                }
                Ok(Err(_)) => return Err(ErrorKind::BrokenPipe.into()),
                Err(_) if Instant::now() >= stalled_at => return Err(io::Error::other("the client reads nothing")),
                Err(_) => self.check_caller().await?,
            }
        }
    }

    async fn next_page(&mut self, position: ListPosition, limit: i64) -> Result<Found, sqlx::Error> {
        let filter = &self.filter;
        self.source.read(|pool| async move { search::search(&pool, filter, Some(position), limit, SEARCH_TIME).await }).await
    }
}

/// Where an export is read.
struct Source {
    state: Arc<AppState>,
    on_replica: bool,
}

impl Source {
    /// Reads on the replica as long as everything before came from there: after something of the primary, it could lack events that have just
    /// been stored.
    async fn read<T, F>(&mut self, read: impl Fn(PgPool) -> F) -> Result<T, sqlx::Error>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        let reports = &self.state.reports;
        if !self.on_replica {
            return read(reports.primary().clone()).await;
        }
        let report = reports.read(read).await?;
        self.on_replica = report.lag_seconds.is_some();
        Ok(report.value)
    }
}

/// How many events to read next, so that their lines have about [`PAGE_BYTES`].
fn next_limit(events: usize, bytes: usize) -> i64 {
    let average = (bytes / events.max(1)).max(1);
    i64::try_from(PAGE_BYTES / average).unwrap_or(MAX_PAGE_EVENTS).clamp(1, MAX_PAGE_EVENTS)
}

/// The position after which the next page starts; `None` if the export is complete.
fn next_position(found: &Found, limit: i64) -> Option<ListPosition> {
    let is_full = i64::try_from(found.events.len()).is_ok_and(|count| count >= limit);
    let last = found.events.last().filter(|_| is_full).map(|event| (event.received_at, event.id));
    last.or(found.searched_to)
}
