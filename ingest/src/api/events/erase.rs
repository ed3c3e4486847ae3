//! `/api/recipients/{email}/erase`: erases the personal data stored for an address.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use shared::feed;
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

/// Erases the data stored for an address: events and everything derived from them. Counts are kept, and so are the address's events without
/// personal data. The service removes the address from archived files within minutes or hours, depending on their number.
///
/// The erasure is remembered, so that older deliveries that arrive later are stored without personal data too. This needs `SECRET_KEY`.
///
/// # Errors
/// 401; 403; 404; 400 `not_confirmed`; 409 `no_secret_key`.
#[utoipa::path(post, path = "/api/recipients/{email}/erase", operation_id = "eraseRecipient", tag = "events",
    security(("session" = ["admin"], "csrf" = [])),
    params(("email" = String, Path, description = "The recipient's address, or a `recipient_id`.")),
    request_body = EraseRequest,
    responses((status = 200, description = "The number of rows that were, or would be, erased.", body = Erased),
        (status = 400, description = "`not_confirmed`"), (status = 409, description = "`no_secret_key`")))]
pub async fn post(state: Arc<AppState>, email: String, admin: Caller, request: EraseRequest) -> Result<Response, ApiError> {
    let named = path_text(&email)?;
    let email = admin.masking().recipient(&named).ok_or(ApiError::Masked)?.to_ascii_lowercase();
    let key = state.secret_keys.first().ok_or(ApiError::NoSecretKey)?;
    if request.dry_run {
        return Ok(warp::reply::json(&erase::count(&state.pool, &email).await?).into_response());
    }
    if request.confirm.is_none_or(|confirm| confirm.to_ascii_lowercase() != email) {
        return Err(ApiError::NotConfirmed);
    }
    let erased = erase::erase(&state.pool, key, &email, admin.user.id).await?;
    state.rule_changes.fetch_add(1, Ordering::Release);
    // The history of the feed contains events as they were. It is emptied before anything else is published, so that notifiers notice at once
    // and forget their copy.
    if let Err(error) = feed::forget(&state.redis).await {
        tracing::warn!(%error, "the history of the feed was not emptied; its entries expire with the items that follow");
    }
    erase::announce(&state.pool).await?;
    state.outbox_filled.notify_one();
    Ok(warp::reply::json(&erased).into_response())
}
