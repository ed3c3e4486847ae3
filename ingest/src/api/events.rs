//! `/api/events`: the list, one event with its payload, and an event's bytes as received.

pub mod audience;
pub mod completion;
pub mod erase;
pub mod export;
pub(crate) mod filters;
pub mod histogram;
pub(crate) mod masked_payload;
pub mod message;
pub mod recipient;
pub mod statistics;

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use shared::event::Event;
use shared::session::Caller;
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::events::filters::{Filters, PeriodFilters, parse_filter};
use crate::api::events::masked_payload::without_content;
use crate::api::reading;
use crate::audit::Read;
use crate::http::error::ApiError;
use crate::http::page::{EventCursor, Limit, List, Page};
use crate::http::reply;
use crate::state::AppState;
use crate::store::events::list::ListPosition;
use crate::store::events::{list as store, payload, search};

/// How long a page of events is searched for.
const SEARCH_TIME: Duration = Duration::from_secs(1);

/// A page of events.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventList {
    /// The items, in the list's order.
    items: Vec<Event>,
    /// The `cursor` to send to get the next page. Null on the last page.
    next: Option<String>,
    /// If the time was up before the page was full: events received since then were searched. Null otherwise.
    #[serde(with = "time::serde::rfc3339::option")]
    searched_to: Option<OffsetDateTime>,
}

#[derive(Serialize, ToSchema)]
struct EventWithPayload<'a> {
    #[serde(flatten)]
    event: &'a Event,
    /// The element that Mandrill sent.
    #[schema(value_type = serde_json::Value)]
    payload: &'a RawValue,
}

/// Lists events, newest first. A search that no index supports ends after a second with what it found, and `next` goes on from there.
///
/// # Errors
/// 401; 400 `bad_filter` or `bad_page`.
#[utoipa::path(get, path = "/api/events", operation_id = "listEvents", tag = "events",
    params(Filters, PeriodFilters, Limit, EventCursor),
    responses((status = 200, description = "A page of events.", body = EventList),
        (status = 400, description = "`bad_filter`, `bad_page`")))]
pub async fn list(state: Arc<AppState>, caller: Caller, page: Page) -> Result<Response, ApiError> {
    let filter = parse_filter(&page.filters, &caller)?;
    let after =
        page.cursor.as_ref().map(|cursor| parse_cursor(cursor).ok_or_else(|| ApiError::bad_page("cursor"))).transpose()?;
    let found = search::search(&state.reading, &filter, after, page.rows(), SEARCH_TIME).await?;
    let List { items, next } = page.cut(found.events, cursor_after);
    let next = next.or_else(|| found.searched_to.map(cursor_of));
    let items = caller.masking().events(items);
    let searched_to = found.searched_to.map(|(received_at, _)| received_at);
    reply::json(&caller, &EventList { items, next, searched_to })
}

/// Returns one event with its payload. A caller who sees no addresses gets the payload without them, and without the content of inbound mail.
///
/// # Errors
/// 401; 404.
#[utoipa::path(get, path = "/api/events/{id}", operation_id = "getEvent", tag = "events",
    params(("id" = i64, Path, description = "The event's id.")),
    responses((status = 200, description = "The event.", body = EventWithPayload)))]
pub async fn get(state: Arc<AppState>, id: i64, caller: Caller) -> Result<Response, ApiError> {
    let visibility = caller.visibility();
    let event = store::find(&state.reading, id, &visibility).await?.ok_or(ApiError::NotFound)?;
    let payload = payload::find(&state.reading, &state.codec, id, &visibility).await?.ok_or(ApiError::NotFound)?;
    reading::record(&state, &caller, Read::Payload, json!({"event": id})).await?;
    let payload = if caller.masking().is_on() { without_content(&payload) } else { payload };
    let payload = RawValue::from_string(payload).map_err(|_| ApiError::Internal("a stored payload is not JSON"))?;
    reply::json(&caller, &EventWithPayload { event: &caller.masking().event(event), payload: &payload })
}

/// Returns an event's bytes as received.
///
/// # Errors
/// 401; 403 `masked` for callers who see no addresses; 404.
#[utoipa::path(get, path = "/api/events/{id}/raw", operation_id = "getEventBytes", tag = "events",
    params(("id" = i64, Path, description = "The event's id.")),
    responses((status = 200, description = "The bytes.", body = serde_json::Value), (status = 403, description = "`masked`")))]
pub async fn raw(state: Arc<AppState>, id: i64, caller: Caller) -> Result<Response, ApiError> {
    if caller.masking().is_on() {
        return Err(ApiError::Masked);
    }
    let found = payload::find(&state.reading, &state.codec, id, &caller.visibility()).await?;
    let payload = found.ok_or(ApiError::NotFound)?;
    reading::record(&state, &caller, Read::Payload, json!({"event": id})).await?;
    let mut response = payload.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The cursor for the page that follows `event`: `MICROSECONDS-ID`.
fn cursor_after(event: &Event) -> String {
    cursor_of((event.received_at, event.id))
}

fn cursor_of((received_at, id): ListPosition) -> String {
    format!("{}-{id}", received_at.unix_timestamp_nanos() / 1_000)
}

fn parse_cursor(cursor: &str) -> Option<ListPosition> {
    let (micros, id) = cursor.split_once('-')?;
    let nanos = micros.parse::<i128>().ok()?.checked_mul(1_000)?;
    Some((OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?, id.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_cursors_are_rejected() {
        assert!(parse_cursor("1763945000123456-42").is_some());
        for cursor in ["", "1", "-", "1-", "a-1", "1-b", "99999999999999999999999999999999999999-1", "1-2-3"] {
            assert_eq!(parse_cursor(cursor), None, "{cursor}");
        }
    }
}
