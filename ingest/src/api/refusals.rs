//! `/api/refusals`: deliveries that were not accepted, why, and what would have been right.

use std::sync::Arc;

use serde::Serialize;
use shared::session::Caller;
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::page::{Limit, List, Page};
use crate::state::AppState;

/// Refusals of one reason from one network in one hour.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refusal)]
struct Row {
    reason: String,
    /// The sender's /24 or /48.
    network: String,
    #[serde(with = "time::serde::rfc3339")]
    hour: OffsetDateTime,
    count: i64,
    #[serde(with = "time::serde::rfc3339")]
    first_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_at: OffsetDateTime,
    /// Codes joined by `+`, such as `scheme+slash`.
    near_miss: Option<String>,
    /// What to change.
    hint: Option<String>,
}

/// Lists deliveries that were not accepted, and why, newest first.
///
/// # Errors
/// 401, 403, 400 `bad_page`.
#[utoipa::path(get, path = "/api/refusals", operation_id = "listRefusals", tag = "operations",
    security(("session" = ["admin"]), ("token" = ["read"])),
    params(Limit,
        ("cursor" = Option<String>, Query, description = "Where the page begins: `next` of the page before.",
            pattern = "^([0-9]{1,4})?$")),
    responses((status = 200, description = "A page of refusals.", body = List<Row>), (status = 400, description = "`bad_page`")))]
pub async fn list(state: Arc<AppState>, _: Caller, page: Page) -> Result<Response, ApiError> {
    // At most 1,000 rows are kept, so a place among them will do for a cursor.
    let offset = match &page.cursor {
        Some(cursor) => cursor.parse::<u16>().map_err(|_| ApiError::BadPage)?,
        None if page.filters.is_empty() => 0,
        None => return Err(ApiError::BadPage),
    };
    let rows = sqlx::query_as!(
        Row,
        r#"select reason, network, hour, count, coalesce(first_at, hour) as "first_at!", last_at, near_miss, hint from refusals
           order by last_at desc, reason, network limit $1 offset $2"#,
        page.rows(),
        i64::from(offset)
    )
    .fetch_all(&state.reading)
    .await?;
    let next = (i64::from(offset) + page.limit).to_string();
    Ok(warp::reply::json(&page.cut(rows, |_| next.clone())).into_response())
}
