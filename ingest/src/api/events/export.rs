//! `/api/events/export`: everything that a filter selects, streamed as CSV or NDJSON, newest first.
//!
//! It is read page by page as the client takes it, so a million rows take the memory of one page, and no connection to Postgres is
//! held by a slow client.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use shared::event::Event;
use shared::filter::Filter;
use shared::session::Caller;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc::{self, Receiver};
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::events::filters::Filters;
use crate::api::events::{Place, newest};
use crate::http::error::ApiError;
use crate::http::page::Pairs;
use crate::state::AppState;
use crate::store::events::selection::filter_of;

/// Events read at once.
const PAGE: i64 = 1_000;

const COLUMNS: [&str; 20] = [
    "id",
    "kind",
    "occurred_at",
    "received_at",
    "message_id",
    "recipient",
    "sender",
    "subject",
    "tags",
    "metadata",
    "template",
    "subaccount",
    "url",
    "ip",
    "user_agent",
    "country",
    "city",
    "diagnostic",
    "simulated",
    "webhook",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
enum Format {
    Csv,
    Ndjson,
}

/// Streams every event that the filters select, newest first.
///
/// Should reading fail half-way, the answer breaks off, so that nobody takes a part for the whole.
///
/// # Errors
/// 401, 400 `bad_filter` or `bad_page`, 503 `too_slow`.
#[utoipa::path(get, path = "/api/events/export", operation_id = "exportEvents", tag = "events",
    params(Filters, ("format" = inline(Option<Format>), Query, description = "`csv` unless given.")),
    responses((status = 200, description = "One line an event.",
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
    let filter = filter_of(&pairs)?;
    // The first page tells whether it can be read at all.
    let first = newest(&state.reading, &filter, None, PAGE).await?;
    let pages = stream::unfold(pages(state, filter, first, format), |mut pages| async { Some((pages.recv().await?, pages)) });
    let mut response = warp::reply::stream(pages).into_response();
    let (kind, disposition) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"events.csv\""),
        Format::Ndjson => ("application/x-ndjson", "attachment; filename=\"events.ndjson\""),
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    Ok(response)
}

/// Reads on as long as the client takes what was read: one page waits, and one is being made.
fn pages(state: Arc<AppState>, filter: Filter, first: Vec<Event>, format: Format) -> Receiver<Result<Bytes, std::io::Error>> {
    let (pages, taken) = mpsc::channel(1);
    tokio::spawn(async move {
        let written = async {
            if format == Format::Csv {
                pages.send(Ok(csv_heading()?)).await.map_err(std::io::Error::other)?;
            }
            let mut events = first;
            loop {
                let bytes = match format {
                    Format::Csv => csv(&events)?,
                    Format::Ndjson => ndjson(&events)?,
                };
                if pages.send(Ok(bytes)).await.is_err() {
                    return Ok(());
                }
                let Some(place) = place_of_last(&events) else { return Ok(()) };
                events = newest(&state.reading, &filter, Some(place), PAGE).await.map_err(std::io::Error::other)?;
            }
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "an export broke off");
            // It fails when the client has gone, and then nobody is left to be told.
            let _ = pages.send(Err(error)).await;
        }
    });
    taken
}

/// Where the next page begins; none after one that was not full.
fn place_of_last(events: &[Event]) -> Option<Place> {
    let is_full = i64::try_from(events.len()).is_ok_and(|count| count >= PAGE);
    events.last().filter(|_| is_full).map(|event| (event.received_at, event.id))
}

fn ndjson(events: &[Event]) -> Result<Bytes, std::io::Error> {
    let mut lines = Vec::new();
    for event in events {
        serde_json::to_writer(&mut lines, event)?;
        lines.push(b'\n');
    }
    Ok(lines.into())
}

fn csv_heading() -> Result<Bytes, std::io::Error> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(COLUMNS)?;
    Ok(csv.into_inner().map_err(|error| error.into_error())?.into())
}

fn csv(events: &[Event]) -> Result<Bytes, std::io::Error> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for event in events {
        csv.write_record(cells(event))?;
    }
    Ok(csv.into_inner().map_err(|error| error.into_error())?.into())
}

/// In the order of `COLUMNS`.
fn cells(event: &Event) -> [String; 20] {
    let time = |at: OffsetDateTime| at.format(&Rfc3339).unwrap_or_default();
    let text = |text: &Option<String>| text.as_deref().map(inert).unwrap_or_default();
    [
        event.id.to_string(),
        inert(&event.kind),
        time(event.occurred_at),
        time(event.received_at),
        text(&event.message_id),
        text(&event.recipient),
        text(&event.sender),
        text(&event.subject),
        inert(&event.tags.join(", ")),
        event.metadata.as_ref().map(|metadata| metadata.get().to_owned()).unwrap_or_default(),
        text(&event.template),
        text(&event.subaccount),
        text(&event.url),
        text(&event.ip),
        text(&event.user_agent),
        text(&event.country),
        text(&event.city),
        text(&event.diagnostic),
        event.simulated.to_string(),
        text(&event.webhook),
    ]
}

/// Text that a spreadsheet takes for text. It would run what begins like a formula, and anybody can send a mail with such a subject.
fn inert(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1"] {
            assert_eq!(inert(text), format!("'{text}"));
        }
        assert_eq!(inert("1=1"), "1=1");
    }
}
