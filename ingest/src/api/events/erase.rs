//! `/api/recipients/{email}/erase`: erases the personal data stored for an address.

use std::sync::Arc;

use serde::Deserialize;
use shared::session::Caller;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::page::path_text;
use crate::state::AppState;
use crate::store::events::erase::{self, Erased};

/// Requires `dry_run` or `confirm`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EraseOrder)]
pub struct EraseRequest {
    /// Only counts the rows that would be erased.
    #[serde(default)]
    dry_run: bool,
    /// The address again, as confirmation, because erased data cannot be restored.
    confirm: Option<String>,
}

/// Erases the data stored for an address. Counts are kept.
///
/// # Errors
/// 401; 403; 404; 400 `not_confirmed`.
#[utoipa::path(post, path = "/api/recipients/{email}/erase", operation_id = "eraseRecipient", tag = "events",
    security(("session" = ["admin"], "csrf" = [])),
    params(("email" = String, Path, description = "The recipient's address.")),
    request_body = EraseRequest,
    responses((status = 200, description = "The number of rows that were, or would be, erased.", body = Erased),
        (status = 400, description = "`not_confirmed`")))]
pub async fn post(state: Arc<AppState>, email: String, admin: Caller, request: EraseRequest) -> Result<Response, ApiError> {
    let email = path_text(&email)?.to_ascii_lowercase();
    if request.dry_run {
        return Ok(warp::reply::json(&erase::count(&state.pool, &email).await?).into_response());
    }
    if request.confirm.is_none_or(|confirm| confirm.to_ascii_lowercase() != email) {
        return Err(ApiError::NotConfirmed);
    }
    let erased = erase::erase(&state.pool, &email, admin.user.id).await?;
    Ok(warp::reply::json(&erased).into_response())
}
