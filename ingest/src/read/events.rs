//! `/api/events`: the list, newest first, one event with its payload, and its bytes as received.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;
use shared::event::{Event, SUBJECT};
use shared::filter::Filter;
use sqlx::{Postgres, QueryBuilder};
use time::OffsetDateTime;
use warp::reply::{Reply, Response};

use super::page::Page;
use crate::account::session;
use crate::app::Context;
use crate::error::ApiError;

/// What makes an `Event` of a row.
pub(super) const COLUMNS: &str =
    "select id, kind, occurred_at, received_at, message_id, recipient, sender, subject, tags, metadata,
    template, subaccount, url, ip, user_agent, country, city, diagnostic, simulated, webhook from events where true";

/// `GET /api/events` (and `GET /webhook/`): `{"items":[…],"next":…}`.
///
/// # Errors
/// 401, 400 `bad_filter` or `bad_page`.
pub async fn list(context: Arc<Context>, headers: HeaderMap, query: String) -> Result<Response, ApiError> {
    session::reader(&context, &headers).await?;
    let page = Page::read(&query)?;
    let filter = Filter::from_pairs(page.filters.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))?;
    let mut sql = QueryBuilder::new(COLUMNS);
    select(&mut sql, &filter);
    if let Some(cursor) = &page.cursor {
        let (received_at, id) = read_cursor(cursor).ok_or(ApiError::BadPage)?;
        sql.push(" and (received_at, id) < (").push_bind(received_at).push(", ").push_bind(id).push(")");
    }
    sql.push(" order by received_at desc, id desc limit ").push_bind(page.rows());
    let events: Vec<Event> = sql.build_query_as().fetch_all(&context.reading).await?;
    Ok(warp::reply::json(&page.cut(events, cursor_of)).into_response())
}

/// Says a filter in SQL; `Filter::matches` says the same in memory. It only binds: no value becomes part of the text.
fn select(sql: &mut QueryBuilder<Postgres>, filter: &Filter) {
    if let [kind] = filter.kinds.as_slice() {
        // An array, even of one, would keep the index from giving the order.
        sql.push(" and kind = ").push_bind(kind.clone());
    } else if !filter.kinds.is_empty() {
        sql.push(" and kind = any(").push_bind(filter.kinds.clone()).push(")");
    }
    let exact = [
        (" and lower(recipient collate \"C\") = ", &filter.recipient),
        (" and lower(sender collate \"C\") = ", &filter.sender),
        (" and template = ", &filter.template),
        (" and subaccount = ", &filter.subaccount),
        (" and message_id = ", &filter.message_id),
        (" and ip = ", &filter.ip),
        (" and url = ", &filter.url),
    ];
    for (condition, value) in exact {
        if let Some(value) = value {
            sql.push(condition).push_bind(value.clone());
        }
    }
    if let Some(part) = &filter.subject {
        let pattern = format!("%{}%{}%{}%", SUBJECT.0, escaped(part), SUBJECT.1);
        sql.push(" and search like ").push_bind(pattern);
    }
    if let Some(tag) = &filter.tag {
        sql.push(" and ").push_bind(tag.clone()).push(" = any(tags)");
    }
    for (key, value) in &filter.metadata {
        sql.push(" and metadata ->> ").push_bind(key.clone()).push(" = ").push_bind(value.clone());
        sql.push(" and jsonb_typeof(metadata -> ").push_bind(key.clone()).push(") not in ('array', 'object')");
    }
    if let Some(from) = filter.from {
        sql.push(" and received_at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        sql.push(" and received_at < ").push_bind(to);
    }
    if let Some(simulated) = filter.simulated {
        sql.push(" and simulated = ").push_bind(simulated);
    }
    for word in &filter.words {
        sql.push(" and strpos(search, ").push_bind(word.clone()).push(") > 0");
    }
}

/// Text that LIKE takes literally.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// `MICROSECONDS-ID`: the place after which the next page begins.
fn cursor_of(event: &Event) -> String {
    format!("{}-{}", event.received_at.unix_timestamp_nanos() / 1_000, event.id)
}

fn read_cursor(cursor: &str) -> Option<(OffsetDateTime, i64)> {
    let (micros, id) = cursor.split_once('-')?;
    let nanos = micros.parse::<i128>().ok()?.checked_mul(1_000)?;
    Some((OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?, id.parse().ok()?))
}

#[derive(Serialize)]
struct WithPayload<'a> {
    #[serde(flatten)]
    event: &'a Event,
    payload: &'a RawValue,
}

/// `GET /api/events/{id}`: the event and its payload.
///
/// # Errors
/// 401, 404.
pub async fn get(context: Arc<Context>, headers: HeaderMap, id: i64) -> Result<Response, ApiError> {
    session::reader(&context, &headers).await?;
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push(" and id = ").push_bind(id);
    let event: Event = sql.build_query_as().fetch_optional(&context.reading).await?.ok_or(ApiError::NotFound)?;
    let payload = payload(&context, id).await?;
    let payload = RawValue::from_string(payload).map_err(|_| ApiError::Internal("a stored payload is no JSON"))?;
    Ok(warp::reply::json(&WithPayload { event: &event, payload: &payload }).into_response())
}

/// `GET /api/events/{id}/raw`: the element's own bytes.
///
/// # Errors
/// 401, 404.
pub async fn raw(context: Arc<Context>, headers: HeaderMap, id: i64) -> Result<Response, ApiError> {
    session::reader(&context, &headers).await?;
    let mut response = payload(&context, id).await?.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn payload(context: &Context, id: i64) -> Result<String, ApiError> {
    let payload = sqlx::query_scalar!("select payload from events where id = $1", id).fetch_optional(&context.reading).await?;
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
