//! `GET /api/refusals`: refused requests to the webhook, their reasons, and the likely fixes.

use std::sync::Arc;

use shared::session::Caller;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::page::{Limit, List, Page};
use crate::state::AppState;
use crate::store::refusals::{self, Refusal};

/// Lists refused requests to the webhook with their reasons, newest first.
///
/// # Errors
/// 401, 403, 400 `bad_page`.
#[utoipa::path(get, path = "/api/refusals", operation_id = "listRefusals", tag = "operations",
    security(("session" = ["operator"]), ("token" = ["read"])),
    params(Limit,
        ("cursor" = Option<String>, Query, description = "Where the page starts: the value of `next` from the previous page.",
            pattern = "^([0-9]{1,4})?$")),
    responses((status = 200, description = "A page of refusals.", body = List<Refusal>),
        (status = 400, description = "`bad_page`")))]
pub async fn list(state: Arc<AppState>, _: Caller, page: Page) -> Result<Response, ApiError> {
    // The table keeps a few thousand rows, so an offset is good enough as a cursor.
    let offset = match &page.cursor {
        Some(cursor) => cursor.parse::<u16>().map_err(|_| ApiError::bad_page("cursor"))?,
        None => 0,
    };
    if let Some((name, _)) = page.filters.first() {
        return Err(ApiError::bad_page(name));
    }
    let offset = i64::from(offset);
    let refusals = refusals::list(&state.reading, offset, page.rows()).await?;
    let next = (offset + page.limit).to_string();
    Ok(warp::reply::json(&page.cut(refusals, |_| next.clone())).into_response())
}
