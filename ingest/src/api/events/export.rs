//! `/api/events/export`: all events that match a filter, streamed as CSV or NDJSON, newest first.
//!
//! Pages are read from the database only as fast as the client consumes them. An export of a million rows therefore needs memory for
//! only a few pages, and a slow client does not hold a Postgres connection.

mod format;

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use shared::event::Event;
use shared::filter::Filter;
use shared::session::Caller;
use tokio::sync::mpsc::{self, Receiver, Sender};
use warp::reply::{Reply, Response};

use self::format::Format;
use crate::api::events::filters::{Filters, parse_filter};
use crate::http::error::ApiError;
use crate::http::page::Pairs;
use crate::state::AppState;
use crate::store::events::list::{self, ListPosition};

/// Number of events per database read.
const PAGE_EVENTS: i64 = 1_000;

/// Streams all events that match the filters, newest first.
///
/// If a read fails midway, the response is aborted, so that clients do not mistake a partial export for a complete one.
///
/// # Errors
/// 401; 400 `bad_filter` or `bad_page`; 503 `too_slow`.
#[utoipa::path(get, path = "/api/events/export", operation_id = "exportEvents", tag = "events",
    params(Filters, ("format" = inline(Option<Format>), Query, description = "`csv` by default.")),
    responses((status = 200, description = "One line per event.",
            content((String = "text/csv"), (String = "application/x-ndjson"))),
        (status = 400, description = "`bad_filter`, `bad_page`"), (status = 503, description = "`too_slow`")))]
pub async fn get(state: Arc<AppState>, _: Caller, query: Pairs) -> Result<Response, ApiError> {
    let (mut format, mut pairs) = (Format::Csv, Vec::new());
    for (name, value) in query.0 {
        match (name.as_ref(), value.as_ref()) {
            ("format", "csv") => format = Format::Csv,
            ("format", "ndjson") => format = Format::Ndjson,
            ("format", _) => return Err(ApiError::BadPage),
            _ => pairs.push((name, value)),
        }
    }
    let filter = parse_filter(&pairs)?;
    // Read the first page here, so that a failure can still be reported as an error response.
    let first_page = list::newest(&state.reading, &filter, None, PAGE_EVENTS).await?;
    let chunks = spawn_reader(state, filter, first_page, format);
    let body = stream::unfold(chunks, |mut chunks| async { Some((chunks.recv().await?, chunks)) });
    let mut response = warp::reply::stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(format.content_disposition()));
    Ok(response)
}

/// Starts a task that reads and formats pages. It stays two pages ahead of the client: one is buffered in the channel,
/// and one is waiting to be sent to it.
fn spawn_reader(state: Arc<AppState>, filter: Filter, first_page: Vec<Event>, format: Format) -> Receiver<io::Result<Bytes>> {
    let (chunks, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        if let Err(error) = send_pages(&state, &filter, first_page, format, &chunks).await {
            tracing::warn!(%error, "an export was aborted");
            // Fails if the client has disconnected; in that case nobody needs the error.
            let _ = chunks.send(Err(error)).await;
        }
    });
    receiver
}

async fn send_pages(
    state: &AppState,
    filter: &Filter,
    first_page: Vec<Event>,
    format: Format,
    chunks: &Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    if let Some(heading) = format.heading()? {
        chunks.send(Ok(heading)).await.map_err(io::Error::other)?;
    }
    let mut events = first_page;
    loop {
        if chunks.send(Ok(format.lines(&events)?)).await.is_err() {
            return Ok(());
        }
        let Some(position) = next_position(&events) else { return Ok(()) };
        events = list::newest(&state.reading, filter, Some(position), PAGE_EVENTS).await.map_err(io::Error::other)?;
    }
}

/// The position after which the next page starts; `None` if this page is not full.
fn next_position(events: &[Event]) -> Option<ListPosition> {
    let is_full = i64::try_from(events.len()).is_ok_and(|count| count >= PAGE_EVENTS);
    events.last().filter(|_| is_full).map(|event| (event.received_at, event.id))
}
