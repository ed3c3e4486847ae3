//! `/api/password`: changing the caller's own password.

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;
use shared::serve::Peer;
use shared::session::Caller;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::accounts::throttle::LoginAttempt;
use crate::api::accounts::{password, session_change};
use crate::http::error::ApiError;
use crate::state::AppState;
use crate::store::accounts::passwords;

/// The current password and the new one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePassword {
    old: String,
    #[schema(min_length = 10, max_length = 1024)]
    new: String,
}

/// Changes the caller's password and ends their other sessions.
///
/// A wrong current password counts as a failed sign-in.
///
/// # Errors
/// 400 `bad_password`, 401 `signed_out` or `wrong_credentials`, 403, 429 `throttled`.
#[utoipa::path(post, path = "/api/password", operation_id = "changePassword", tag = "accounts",
    security(("session" = [], "csrf" = [])),
    request_body = ChangePassword,
    responses((status = 204, description = "The password was changed."), (status = 400, description = "`bad_password`"),
        (status = 401, description = "`wrong_credentials`"), (status = 429, description = "`throttled`")))]
pub(crate) async fn post(
    state: Arc<AppState>,
    caller: Caller,
    peer: Peer,
    ChangePassword { old, new }: ChangePassword,
) -> Result<Response, ApiError> {
    let attempt = LoginAttempt::count(&state.pool, &caller.user.email, peer).await?;
    let stored = passwords::find_hash(&state.pool, caller.user.id).await?;
    if !password::matches(old, stored).await? {
        return Err(ApiError::WrongCredentials);
    }
    attempt.succeeded(&state.pool).await?;
    let hash = password::checked_hash(new).await?;
    passwords::change(&state.pool, caller.user.id, &hash, caller.credential.hash()).await?;
    session_change::announce(&state).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}
