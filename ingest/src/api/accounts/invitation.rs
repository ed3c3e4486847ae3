//! Invitations: one-time links that let users set their password. Admins create them for new users and for users who have forgotten
//! their password.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use shared::session::{Caller, Hash, Role, new_secret};
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::accounts::{password, session, session_change};
use crate::http::error::ApiError;
use crate::state::AppState;
use crate::store::accounts::invitations;

/// A new invitation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Invitation {
    /// The secret in the link. Only its hash is stored.
    pub(crate) token: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) expires_at: OffsetDateTime,
}

/// Generates the secret for a link.
pub(crate) fn new_token() -> Result<String, ApiError> {
    new_secret().map_err(|_| ApiError::Internal("no random bytes are available for an invitation"))
}

/// Creates a new invitation for a user. It replaces the previous one.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(post, path = "/api/users/{id}/invitation", operation_id = "inviteUser", tag = "accounts",
    security(("session" = ["admin"], "csrf" = [])),
    params(("id" = i64, Path, description = "Id of the user.")),
    responses((status = 201, description = "The secret in the link.", body = Invitation)))]
pub(crate) async fn renew(state: Arc<AppState>, id: i64, admin: Caller) -> Result<Response, ApiError> {
    let token = new_token()?;
    let renewed = invitations::renew(&state.pool, admin.user.id, id, &Hash::of(&token)).await?;
    let expires_at = renewed.ok_or(ApiError::NotFound)?;
    let invitation = Invitation { token, expires_at };
    Ok(warp::reply::with_status(warp::reply::json(&invitation), StatusCode::CREATED).into_response())
}

/// The secret from a link, and optionally a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UseInvitation {
    token: String,
    /// The password to set. If it is omitted, the invitation remains valid.
    #[schema(min_length = 10, max_length = 1024)]
    password: Option<String>,
}

/// The user an invitation is for.
#[derive(Serialize, ToSchema)]
#[schema(as = InvitationFor)]
struct InvitedUser {
    email: String,
    role: Role,
}

/// The invited user or, once the invitation has been used, the signed-in user.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used: signing in builds its own response")]
enum InvitationAnswer<'a> {
    Unused(InvitedUser),
    Used(session::SessionStatus<'a>),
}

/// Shows who an invitation is for. If a password is given, sets it, consumes the invitation and signs the user in.
///
/// Setting the password ends all of the user's other sessions.
///
/// # Errors
/// 400 `bad_password`, 403 for a foreign origin, 410 `invitation_gone`.
#[utoipa::path(post, path = "/api/invitation", operation_id = "useInvitation", tag = "accounts", security(("csrf" = [])),
    request_body = UseInvitation,
    responses((status = 200, description = "The invited user, or the user who is now signed in.", body = InvitationAnswer),
        (status = 400, description = "`bad_password`"), (status = 410, description = "`invitation_gone`")))]
pub(crate) async fn post(
    state: Arc<AppState>,
    headers: HeaderMap,
    UseInvitation { token, password }: UseInvitation,
) -> Result<Response, ApiError> {
    let hash = Hash::of(&token);
    let user = invitations::find_user(&state.pool, &hash).await?.ok_or(ApiError::InvitationGone)?;
    let Some(password) = password else {
        return Ok(warp::reply::json(&InvitedUser { email: user.email, role: user.role }).into_response());
    };
    let password_hash = password::checked_hash(password).await?;
    if !invitations::accept(&state.pool, &hash, user.id, &password_hash).await? {
        return Err(ApiError::InvitationGone);
    }
    session_change::announce(&state).await;
    session::signed_in(&state, &headers, &user).await
}
