//! `/api/recipients/{email}`: the events of one recipient, counted by kind. `/api/events?recipient=` lists them.

use std::sync::Arc;

use serde::Serialize;
use shared::session::Caller;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::page::path_text;
use crate::state::AppState;
use crate::store::events::recipient::{self, RecipientKind};

#[derive(Serialize, ToSchema)]
struct Recipient {
    email: String,
    /// The kind with the most recent event comes first.
    kinds: Vec<RecipientKind>,
}

/// Counts the events of one recipient by kind.
///
/// # Errors
/// 401; 404 if no event for the recipient is stored; 503 `too_slow`.
#[utoipa::path(get, path = "/api/recipients/{email}", operation_id = "getRecipient", tag = "events",
    params(("email" = String, Path, description = "The recipient's address.")),
    responses((status = 200, description = "The counts.", body = Recipient), (status = 503, description = "`too_slow`")))]
pub async fn get(state: Arc<AppState>, email: String, _: Caller) -> Result<Response, ApiError> {
    let email = path_text(&email)?;
    let kinds = recipient::count_by_kind(&state.reading, &email).await?;
    if kinds.is_empty() {
        return Err(ApiError::NotFound);
    }
    Ok(warp::reply::json(&Recipient { email, kinds }).into_response())
}
