//! `/api/password`: choosing a new password for oneself.

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;
use shared::serve::Peer;
use shared::session::Caller;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::accounts::throttle::Try;
use crate::api::accounts::{password, session};
use crate::http::error::ApiError;
use crate::state::AppState;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangePassword)]
pub struct Change {
    old: String,
    #[schema(min_length = 10, max_length = 1024)]
    new: String,
}

/// Changes one's own password, and ends every other session of one's own.
///
/// Wrong guesses count as failed sign-ins.
///
/// # Errors
/// 401 `signed_out` or `wrong_credentials`, 403, 400 `bad_password`, 429.
#[utoipa::path(post, path = "/api/password", operation_id = "changePassword", tag = "accounts",
    security(("session" = [], "csrf" = [])),
    request_body = Change,
    responses((status = 204, description = "Changed."), (status = 400, description = "`bad_password`"),
        (status = 401, description = "`wrong_credentials`"), (status = 429, description = "`throttled`")))]
pub async fn post(state: Arc<AppState>, caller: Caller, peer: Peer, Change { old, new }: Change) -> Result<Response, ApiError> {
    let counted = Try::count(&state.pool, &caller.user.email, peer).await?;
    let counted = counted.map_err(|retry_after| ApiError::Throttled { retry_after })?;
    let stored = sqlx::query_scalar!("select password_hash from users where id = $1", caller.user.id);
    let stored = stored.fetch_one(&state.pool).await?;
    let fits = password::verify(old, stored).await.map_err(|_| ApiError::Internal("a password could not be checked"))?;
    if !fits {
        return Err(ApiError::WrongCredentials);
    }
    counted.was_right(&state.pool).await?;
    let hash = password::checked_hash(new).await?;
    let mut transaction = state.pool.begin().await?;
    sqlx::query!("update users set password_hash = $2 where id = $1", caller.user.id, hash).execute(&mut *transaction).await?;
    sqlx::query!(
        "delete from sessions where user_id = $1 and id_hash <> $2",
        caller.user.id,
        caller.credential.hash().as_slice()
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!("delete from invitations where user_id = $1", caller.user.id).execute(&mut *transaction).await?;
    transaction.commit().await?;
    session::announce(&state).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}
