//! `/api/events`: the list, newest first, one event with its payload, and its bytes as received.

pub mod erase;
pub mod export;
pub(crate) mod filters;
pub mod histogram;
pub mod message;
pub mod recipient;
pub mod statistics;

use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;
use shared::event::Event;
use shared::filter::Filter;
use shared::session::Caller;
use sqlx::{PgPool, QueryBuilder};
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::events::filters::Filters;
use crate::http::error::ApiError;
use crate::http::page::{EventCursor, Limit, List, Page};
use crate::state::AppState;
use crate::store::events::search_plan as lookup;
use crate::store::events::search_plan::Wanted;
use crate::store::events::selection::{filter_of, select};

/// What makes an `Event` of a row.
pub(crate) const COLUMNS: &str =
    "select id, kind, occurred_at, received_at, message_id, recipient, sender, subject, tags, metadata,
    template, subaccount, url, ip, user_agent, country, city, diagnostic, simulated, webhook, erased_at from events where true";

/// Lists events, newest first.
///
/// # Errors
/// 401, 400 `bad_filter` or `bad_page`, 503 `too_slow`.
#[utoipa::path(get, path = "/api/events", operation_id = "listEvents", tag = "events",
    params(Filters, Limit, EventCursor),
    responses((status = 200, description = "A page of events.", body = List<Event>),
        (status = 400, description = "`bad_filter`, `bad_page`"), (status = 503, description = "`too_slow`")))]
pub async fn list(state: Arc<AppState>, _: Caller, page: Page) -> Result<Response, ApiError> {
    let filter = filter_of(&page.filters)?;
    let after = page.cursor.as_ref().map(|cursor| read_cursor(cursor).ok_or(ApiError::BadPage)).transpose()?;
    let events = newest(&state.reading, &filter, after, page.rows()).await?;
    Ok(warp::reply::json(&page.cut(events, cursor_of)).into_response())
}

/// The newest events that are selected and come after a place in the list, at most so many.
pub(crate) async fn newest(pool: &PgPool, filter: &Filter, after: Option<Place>, rows: i64) -> Result<Vec<Event>, sqlx::Error> {
    let mut sql = QueryBuilder::new(COLUMNS);
    select(&mut sql, filter, lookup::grams(pool, filter, Wanted::Newest(rows)).await?);
    if let Some((received_at, id)) = after {
        sql.push(" and (received_at, id) < (").push_bind(received_at).push(", ").push_bind(id).push(")");
    }
    sql.push(" order by received_at desc, id desc limit ").push_bind(rows);
    sql.build_query_as().fetch_all(pool).await
}

/// An event's place in the list.
pub(crate) type Place = (OffsetDateTime, i64);

/// `MICROSECONDS-ID`: the place after which the next page begins.
fn cursor_of(event: &Event) -> String {
    format!("{}-{}", event.received_at.unix_timestamp_nanos() / 1_000, event.id)
}

fn read_cursor(cursor: &str) -> Option<Place> {
    let (micros, id) = cursor.split_once('-')?;
    let nanos = micros.parse::<i128>().ok()?.checked_mul(1_000)?;
    Some((OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?, id.parse().ok()?))
}

#[derive(Serialize, ToSchema)]
#[schema(as = EventWithPayload)]
struct WithPayload<'a> {
    #[serde(flatten)]
    event: &'a Event,
    /// What Mandrill said.
    #[schema(value_type = serde_json::Value)]
    payload: &'a RawValue,
}

/// Gives one event and its payload.
///
/// # Errors
/// 401, 404.
#[utoipa::path(get, path = "/api/events/{id}", operation_id = "getEvent", tag = "events",
    params(("id" = i64, Path, description = "Of the event.")),
    responses((status = 200, description = "The event.", body = WithPayload)))]
pub async fn get(state: Arc<AppState>, id: i64, _: Caller) -> Result<Response, ApiError> {
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push(" and id = ").push_bind(id);
    let event: Event = sql.build_query_as().fetch_optional(&state.reading).await?.ok_or(ApiError::NotFound)?;
    let payload = payload(&state, id).await?;
    let payload = RawValue::from_string(payload).map_err(|_| ApiError::Internal("a stored payload is no JSON"))?;
    Ok(warp::reply::json(&WithPayload { event: &event, payload: &payload }).into_response())
}

/// Gives an event's own bytes, as they were received.
///
/// # Errors
/// 401, 404.
#[utoipa::path(get, path = "/api/events/{id}/raw", operation_id = "getEventBytes", tag = "events",
    params(("id" = i64, Path, description = "Of the event.")),
    responses((status = 200, description = "The bytes.", body = serde_json::Value)))]
pub async fn raw(state: Arc<AppState>, id: i64, _: Caller) -> Result<Response, ApiError> {
    let mut response = payload(&state, id).await?.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn payload(state: &AppState, id: i64) -> Result<String, ApiError> {
    let payload = sqlx::query_scalar!("select payload from events where id = $1", id).fetch_optional(&state.reading).await?;
    payload.ok_or(ApiError::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_of_other_shapes_are_refused() {
        assert!(read_cursor("1763945000123456-42").is_some());
        for cursor in ["", "1", "-", "1-", "a-1", "1-b", "99999999999999999999999999999999999999-1", "1-2-3"] {
            assert_eq!(read_cursor(cursor), None, "{cursor}");
        }
    }
}
