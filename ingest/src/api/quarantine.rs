//! `/api/quarantine`: items that could not be stored or published. Operators inspect them, and retry or discard them.

mod retry;

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::session::Caller;
use sqlx::PgPool;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::reading;
use crate::audit::Read;
use crate::http::body::Object;
use crate::http::error::ApiError;
use crate::http::page::{IdCursor, Limit, Page};
use crate::http::reply;
use crate::state::AppState;
use crate::store::quarantine_items::{
    self, QuarantineFilter, QuarantineGroup, QuarantineSelection, QuarantinedItem, SelectedItems,
};

/// Maximum number of items that one request can retry or discard. The next request processes the next ones.
const MAX_ITEMS: i64 = 1_000;
/// Maximum number of ids in a selection.
const MAX_IDS: usize = 1_000;
/// Maximum length in bytes of the reason for discarding.
const MAX_REASON: usize = 1_000;

#[derive(Debug, Serialize, ToSchema)]
struct QuarantineList {
    items: Vec<QuarantinedItem>,
    next: Option<String>,
    /// All open items, grouped by reason.
    open: Vec<QuarantineGroup>,
}

/// The items to retry or discard.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QuarantineOrder)]
pub struct QuarantineRequest {
    #[schema(value_type = QuarantineSelection)]
    select: Object<QuarantineSelection>,
    /// Reports what would happen without changing anything.
    #[serde(default)]
    dry_run: bool,
    /// The number of items that the selection is expected to match. Required unless `ids` is given or `dry_run` is true.
    expect: Option<i64>,
    /// Why the items are being discarded. Only allowed when discarding.
    reason: Option<String>,
}

/// Lists items in quarantine, newest first, and groups the open ones by reason.
///
/// # Errors
/// 401, 403, 400 `bad_page`.
#[utoipa::path(get, path = "/api/quarantine", operation_id = "listQuarantine", tag = "operations",
    security(("session" = ["operator"]), ("token" = ["read"])),
    params(Limit, IdCursor,
        ("state" = Option<String>, Query, description = "Only items in this state; `open` by default.",
            pattern = "^(open|retried|discarded)$"),
        ("reason" = Option<String>, Query, description = "Only items with this reason."),
        ("webhook" = Option<String>, Query, description = "Only items verified with the key that has this label.")),
    responses((status = 200, description = "A page of items.", body = QuarantineList),
        (status = 400, description = "`bad_page`")))]
pub async fn list(state: Arc<AppState>, caller: Caller, page: Page) -> Result<Response, ApiError> {
    let (filter, before) = (read_filter(&page)?, page.before()?);
    let items = quarantine_items::list(&state.reading, &filter, before, page.rows()).await?;
    let page = page.cut(items, |last| last.id.to_string());
    let open = quarantine_items::open_groups(&state.reading).await?;
    reply::json(&caller, &QuarantineList { items: page.items, next: page.next, open })
}

fn read_filter(page: &Page) -> Result<QuarantineFilter, ApiError> {
    let mut filter = QuarantineFilter { state: "open".to_owned(), reason: None, webhook: None };
    for (name, value) in &page.filters {
        match name.as_ref() {
            "state" if ["open", "retried", "discarded"].contains(&value.as_ref()) => filter.state.clone_from(value),
            "reason" => filter.reason = Some(value.clone()),
            "webhook" => filter.webhook = Some(value.clone()),
            _ => return Err(ApiError::bad_page(name)),
        }
    }
    Ok(filter)
}

/// An item in quarantine with its bytes.
#[derive(Serialize, ToSchema)]
#[schema(as = QuarantinedWhole)]
struct ItemWithBytes {
    #[serde(flatten)]
    item: QuarantinedItem,
    /// The bytes as text, if they are valid UTF-8.
    text: Option<String>,
    /// The bytes in base64, if they are not valid UTF-8.
    base64: Option<String>,
}

/// Returns one item in quarantine with its bytes. A caller who sees no addresses does not get the bytes.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(get, path = "/api/quarantine/{id}", operation_id = "getQuarantined", tag = "operations",
    security(("session" = ["operator"]), ("token" = ["read"])),
    params(("id" = i64, Path, description = "The item's id.")),
    responses((status = 200, description = "The item.", body = ItemWithBytes)))]
pub async fn get(state: Arc<AppState>, id: i64, caller: Caller) -> Result<Response, ApiError> {
    let item = quarantine_items::find(&state.reading, id).await?.ok_or(ApiError::NotFound)?;
    if caller.masking().is_on() {
        return reply::json(&caller, &ItemWithBytes { item, text: None, base64: None });
    }
    reading::record(&state, &caller, Read::Payload, json!({"quarantined": id})).await?;
    let (text, base64) = match String::from_utf8(bytes_of(&state.reading, id).await?) {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(BASE64_STANDARD.encode(error.as_bytes()))),
    };
    Ok(warp::reply::json(&ItemWithBytes { item, text, base64 }).into_response())
}

/// Returns the bytes of an item in quarantine, as they were received.
///
/// # Errors
/// 401, 403, also with `masked` for callers who see no addresses, 404.
#[utoipa::path(get, path = "/api/quarantine/{id}/raw", operation_id = "getQuarantinedBytes", tag = "operations",
    security(("session" = ["operator"]), ("token" = ["read"])),
    params(("id" = i64, Path, description = "The item's id.")),
    responses((status = 200, description = "The bytes.", body = String, content_type = "application/octet-stream")))]
pub async fn raw(state: Arc<AppState>, id: i64, caller: Caller) -> Result<Response, ApiError> {
    if caller.masking().is_on() {
        return Err(ApiError::Masked);
    }
    let bytes = bytes_of(&state.reading, id).await?;
    reading::record(&state, &caller, Read::Payload, json!({"quarantined": id})).await?;
    let mut response = bytes.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    Ok(response)
}

async fn bytes_of(pool: &PgPool, id: i64) -> Result<Vec<u8>, ApiError> {
    quarantine_items::bytes(pool, id).await?.ok_or(ApiError::NotFound)
}

/// Retries items in quarantine, as if they had just arrived.
///
/// Only open items are retried, so a repeated request stores nothing twice. A token needs both scopes.
///
/// # Errors
/// 401, 403, 400 `bad_json`, 409 `count_changed` if the number of selected items is not `expect`.
#[utoipa::path(post, path = "/api/quarantine/retry", operation_id = "retryQuarantined", tag = "operations",
    security(("session" = ["operator"], "csrf" = []), ("token" = ["read", "simulate"])),
    request_body = QuarantineRequest,
    responses((status = 200, description = "The outcome for each item.", body = retry::RetryReport),
        (status = 409, description = "`count_changed`")))]
pub async fn retry(state: Arc<AppState>, caller: Caller, request: QuarantineRequest) -> Result<Response, ApiError> {
    if request.reason.is_some() {
        return Err(ApiError::NotJson("`reason` is only allowed when discarding".to_owned()));
    }
    let selected = select(&state.pool, &request).await?;
    let report = if request.dry_run {
        retry::preview(&state.pool, &selected).await?
    } else {
        retry::retry(&state, &selected, caller.user.id).await?
    };
    reply::json(&caller, &report)
}

#[derive(Serialize, ToSchema)]
struct Discarded {
    /// The number of selected items that this request processed, at most 1,000.
    matched: usize,
    /// The total number of selected items.
    total: i64,
    discarded: u64,
}

/// Discards items in quarantine with a `reason`. Their bytes are kept.
///
/// A token needs both scopes.
///
/// # Errors
/// Same as [`retry`]; 400 if there is no reason.
#[utoipa::path(post, path = "/api/quarantine/discard", operation_id = "discardQuarantined", tag = "operations",
    security(("session" = ["operator"], "csrf" = []), ("token" = ["read", "simulate"])),
    request_body = QuarantineRequest,
    responses((status = 200, description = "The number of discarded items.", body = Discarded),
        (status = 409, description = "`count_changed`")))]
pub async fn discard(state: Arc<AppState>, caller: Caller, request: QuarantineRequest) -> Result<Response, ApiError> {
    let reason = request.reason.as_deref().map(str::trim).unwrap_or_default();
    if (reason.is_empty() && !request.dry_run) || reason.len() > MAX_REASON || reason.contains('\0') {
        return Err(ApiError::NotJson(format!("`reason` must have 1 to {MAX_REASON} bytes, without NUL")));
    }
    let SelectedItems { ids, total } = select(&state.pool, &request).await?;
    let mut discarded = 0;
    if !request.dry_run {
        discarded = quarantine_items::discard(&state.pool, &ids, caller.user.id, reason).await?;
        tracing::info!(discarded, user.id = caller.user.id, "discarded items in quarantine");
    }
    Ok(warp::reply::json(&Discarded { matched: ids.len(), total, discarded }).into_response())
}

/// The open items that a request selects, provided that their number matches the expected one.
async fn select(pool: &PgPool, request: &QuarantineRequest) -> Result<SelectedItems, ApiError> {
    let Object(selection) = &request.select;
    if selection.ids.as_ref().is_some_and(|ids| ids.len() > MAX_IDS) {
        return Err(ApiError::NotJson(format!("`ids` can contain at most {MAX_IDS} items")));
    }
    if selection.reason.iter().chain(&selection.webhook).any(|text| text.contains('\0')) {
        return Err(ApiError::NotJson("`reason` and `webhook` must not contain NUL".to_owned()));
    }
    let selected = quarantine_items::select_open(pool, selection, MAX_ITEMS).await?;
    match request.expect {
        Some(expected) if expected != selected.total => Err(ApiError::CountChanged { found: selected.total }),
        None if selection.ids.is_none() && !request.dry_run => {
            Err(ApiError::NotJson("`expect` is required without `ids`; a dry run reports the number as `total`".to_owned()))
        }
        _ => Ok(selected),
    }
}
