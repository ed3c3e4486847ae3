//! `/api/quarantine`: what was proved and could not be stored, to be looked at, tried again after a repair, or discarded.

mod retry;

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use shared::session::Caller;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::body::Object;
use crate::http::error::ApiError;
use crate::http::page::{IdCursor, Limit, Page};
use crate::state::AppState;

/// Items that one request tries again or discards, at most; the next request takes the next.
const MOST: i64 = 1_000;

/// One thing in quarantine, without its bytes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quarantined)]
struct Item {
    id: i64,
    /// What the bytes are: `element`, `delivery` or `outbox`.
    #[schema(pattern = "^(element|delivery|outbox)$")]
    origin: String,
    reason: String,
    detail: String,
    webhook: Option<String>,
    simulated: bool,
    /// In bytes.
    size: i32,
    #[serde(with = "time::serde::rfc3339")]
    received_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_seen_at: OffsetDateTime,
    times_seen: i32,
    /// `open`, `retried` or `discarded`.
    #[schema(pattern = "^(open|retried|discarded)$")]
    state: String,
    #[serde(with = "time::serde::rfc3339::option")]
    resolved_at: Option<OffsetDateTime>,
    /// By whom, if they are still here.
    resolved_by: Option<String>,
    /// What came of the last try, or why it was discarded.
    resolution: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuarantineGroup)]
struct Group {
    reason: String,
    count: i64,
    #[serde(with = "time::serde::rfc3339")]
    first_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_at: OffsetDateTime,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuarantineList)]
struct Listing {
    items: Vec<Item>,
    next: Option<String>,
    /// What is open, by reason.
    open: Vec<Group>,
}

/// Which open items are meant: all that match, or those named.
#[derive(Debug, Default, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Selection {
    #[schema(max_items = 1000)]
    ids: Option<Vec<i64>>,
    reason: Option<String>,
    webhook: Option<String>,
    simulated: Option<bool>,
}

/// What to do with them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QuarantineOrder)]
pub struct Order {
    #[schema(value_type = Selection)]
    select: Object<Selection>,
    /// Says what would be done, and does nothing.
    #[serde(default)]
    dry_run: bool,
    /// How many the caller expects; demanded where they are not named one by one.
    expect: Option<i64>,
    /// Why they are discarded.
    reason: Option<String>,
}

/// Lists what is in quarantine, newest first; and what is open, by reason.
///
/// # Errors
/// 401, 403, 400 `bad_page`.
#[utoipa::path(get, path = "/api/quarantine", operation_id = "listQuarantine", tag = "operations",
    security(("session" = ["admin"]), ("token" = ["read"])),
    params(Limit, IdCursor,
        ("state" = Option<String>, Query, description = "`open` unless given.", pattern = "^(open|retried|discarded)$"),
        ("reason" = Option<String>, Query, description = "Those kept for one reason."),
        ("webhook" = Option<String>, Query, description = "Those of one key, by its label.")),
    responses((status = 200, description = "A page of items.", body = Listing), (status = 400, description = "`bad_page`")))]
pub async fn list(state: Arc<AppState>, _: Caller, page: Page) -> Result<Response, ApiError> {
    let (mut resolution, mut reason, mut webhook) = ("open".to_owned(), None, None);
    for (name, value) in &page.filters {
        match name.as_ref() {
            "state" if ["open", "retried", "discarded"].contains(&value.as_ref()) => resolution = value.to_string(),
            "reason" => reason = Some(value.to_string()),
            "webhook" => webhook = Some(value.to_string()),
            _ => return Err(ApiError::BadPage),
        }
    }
    let before = page.before()?;
    let items = sqlx::query_as!(
        Item,
        r#"select quarantine.id, origin, reason, detail, webhook, simulated, octet_length(raw) as "size!", received_at, last_seen_at,
                  times_seen, state, resolved_at, users.email as "resolved_by?", resolution
           from quarantine left join users on users.id = resolved_by
           where state = $1 and ($2::text is null or reason = $2) and ($3::text is null or webhook = $3)
             and ($4::bigint is null or quarantine.id < $4)
           order by quarantine.id desc limit $5"#,
        resolution,
        reason,
        webhook,
        before,
        page.rows()
    )
    .fetch_all(&state.reading)
    .await?;
    let page = page.cut(items, |last| last.id.to_string());
    let open = sqlx::query_as!(
        Group,
        r#"select reason, count(*) as "count!", min(received_at) as "first_at!", max(last_seen_at) as "last_at!"
           from quarantine where state = 'open' group by reason order by count(*) desc, reason limit 100"#
    )
    .fetch_all(&state.reading)
    .await?;
    Ok(warp::reply::json(&Listing { items: page.items, next: page.next, open }).into_response())
}

/// An item with its bytes.
#[derive(Serialize, ToSchema)]
#[schema(as = QuarantinedWhole)]
struct Whole {
    #[serde(flatten)]
    item: Item,
    /// The bytes, where they are UTF-8.
    text: Option<String>,
    /// The bytes, where they are not.
    base64: Option<String>,
}

/// Gives one item of the quarantine with its bytes.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(get, path = "/api/quarantine/{id}", operation_id = "getQuarantined", tag = "operations",
    security(("session" = ["admin"]), ("token" = ["read"])),
    params(("id" = i64, Path, description = "Of the item.")),
    responses((status = 200, description = "The item.", body = Whole)))]
pub async fn get(state: Arc<AppState>, id: i64, _: Caller) -> Result<Response, ApiError> {
    let item = sqlx::query_as!(
        Item,
        r#"select quarantine.id, origin, reason, detail, webhook, simulated, octet_length(raw) as "size!", received_at, last_seen_at,
                  times_seen, state, resolved_at, users.email as "resolved_by?", resolution
           from quarantine left join users on users.id = resolved_by where quarantine.id = $1"#,
        id
    );
    let item = item.fetch_optional(&state.reading).await?.ok_or(ApiError::NotFound)?;
    let (text, base64) = match String::from_utf8(bytes_of(&state.reading, id).await?) {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(BASE64_STANDARD.encode(error.as_bytes()))),
    };
    Ok(warp::reply::json(&Whole { item, text, base64 }).into_response())
}

/// Gives the bytes of an item of the quarantine, as they were received.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(get, path = "/api/quarantine/{id}/raw", operation_id = "getQuarantinedBytes", tag = "operations",
    security(("session" = ["admin"]), ("token" = ["read"])),
    params(("id" = i64, Path, description = "Of the item.")),
    responses((status = 200, description = "The bytes.", body = String, content_type = "application/octet-stream")))]
pub async fn raw(state: Arc<AppState>, id: i64, _: Caller) -> Result<Response, ApiError> {
    let mut response = bytes_of(&state.reading, id).await?.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    Ok(response)
}

async fn bytes_of(pool: &PgPool, id: i64) -> Result<Vec<u8>, ApiError> {
    let raw = sqlx::query_scalar!("select raw from quarantine where id = $1", id).fetch_optional(pool).await?;
    raw.ok_or(ApiError::NotFound)
}

/// Tries items again, as if they had just come.
///
/// Those that are open count, and those alone, so asking twice does nothing twice. A token needs both scopes.
///
/// # Errors
/// 401, 403, 400, 409 `count_changed` when as many as expected are no longer open.
#[utoipa::path(post, path = "/api/quarantine/retry", operation_id = "retryQuarantined", tag = "operations",
    security(("session" = ["admin"], "csrf" = []), ("token" = ["read", "simulate"])),
    request_body = Order,
    responses((status = 200, description = "What became of each.", body = retry::Retried),
        (status = 409, description = "`count_changed`")))]
pub async fn retry(state: Arc<AppState>, caller: Caller, order: Order) -> Result<Response, ApiError> {
    if order.reason.is_some() {
        return Err(ApiError::NotJson("`reason` is for discarding".to_owned()));
    }
    let (ids, total) = open_ids(&state.pool, &order).await?;
    let done = if order.dry_run {
        retry::foresee(&state.pool, &ids, total).await?
    } else {
        retry::retry(&state, &ids, total, caller.user.id).await?
    };
    Ok(warp::reply::json(&done).into_response())
}

#[derive(Serialize, ToSchema)]
struct Discarded {
    matched: usize,
    /// How many the selection means in all.
    total: i64,
    discarded: u64,
}

/// Discards items, for a `reason`: keeps their bytes, and asks no more about them.
///
/// A token needs both scopes.
///
/// # Errors
/// As [`retry`]; 400 without a reason.
#[utoipa::path(post, path = "/api/quarantine/discard", operation_id = "discardQuarantined", tag = "operations",
    security(("session" = ["admin"], "csrf" = []), ("token" = ["read", "simulate"])),
    request_body = Order,
    responses((status = 200, description = "How many were discarded.", body = Discarded),
        (status = 409, description = "`count_changed`")))]
pub async fn discard(state: Arc<AppState>, caller: Caller, order: Order) -> Result<Response, ApiError> {
    let reason = order.reason.as_deref().map(str::trim).unwrap_or_default();
    if (reason.is_empty() && !order.dry_run) || reason.len() > 1_000 || reason.contains('\0') {
        return Err(ApiError::NotJson("`reason` says in 1 to 1,000 bytes why".to_owned()));
    }
    let (ids, total) = open_ids(&state.pool, &order).await?;
    let mut discarded = 0;
    if !order.dry_run {
        discarded = sqlx::query!(
            "update quarantine set state = 'discarded', resolved_at = now(), resolved_by = $2, resolution = $3
             where id = any($1) and state = 'open'",
            &ids,
            caller.user.id,
            reason
        )
        .execute(&state.pool)
        .await?
        .rows_affected();
        tracing::info!(discarded, user.id = caller.user.id, "discarded items in quarantine");
    }
    Ok(warp::reply::json(&Discarded { matched: ids.len(), total, discarded }).into_response())
}

/// The oldest open items that are meant, as many as are done at once, and how many are meant in all.
async fn open_ids(pool: &PgPool, order: &Order) -> Result<(Vec<i64>, i64), ApiError> {
    let Object(select) = &order.select;
    if select.ids.as_ref().is_some_and(|ids| ids.len() > 1_000) {
        return Err(ApiError::NotJson("`ids` names at most 1,000".to_owned()));
    }
    if select.reason.iter().chain(&select.webhook).any(|text| text.contains('\0')) {
        return Err(ApiError::NotJson("NUL cannot be looked for".to_owned()));
    }
    let found = sqlx::query!(
        r#"select id, count(*) over () as "total!" from quarantine
           where state = 'open' and ($1::bigint[] is null or id = any($1)) and ($2::text is null or reason = $2)
             and ($3::text is null or webhook = $3) and ($4::boolean is null or simulated = $4)
           order by id limit $5"#,
        select.ids.as_deref(),
        select.reason,
        select.webhook,
        select.simulated,
        MOST
    );
    let found = found.fetch_all(pool).await?;
    let total = found.first().map_or(0, |first| first.total);
    match order.expect {
        Some(expected) if expected != total => Err(ApiError::CountChanged { found: total }),
        None if select.ids.is_none() && !order.dry_run => {
            Err(ApiError::NotJson("`expect` says how many; a dry run tells".to_owned()))
        }
        _ => Ok((found.into_iter().map(|item| item.id).collect(), total)),
    }
}
