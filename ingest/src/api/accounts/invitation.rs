//! One-time links by which people choose their own password. An admin gives them; they also help who forgot theirs.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::session::{Caller, Hash, Role, User, new_secret};
use sqlx::PgExecutor;
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::accounts::{audit, password, session};
use crate::http::error::ApiError;
use crate::state::AppState;

/// What the link carries; kept nowhere here.
#[derive(Serialize, ToSchema)]
pub struct Invitation {
    token: String,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

/// Makes a link for `user`, good for three days and once; the one before is void.
pub(crate) async fn make(to: impl PgExecutor<'_>, user: i64) -> Result<Invitation, ApiError> {
    let token = new_secret().map_err(|_| ApiError::Internal("no randomness for an invitation"))?;
    let hash = Hash::of(&token);
    let expires_at = sqlx::query_scalar!(
        "insert into invitations (token_hash, user_id, expires_at) values ($1, $2, now() + interval '3 days')
         on conflict (user_id) do update
           set token_hash = excluded.token_hash, created_at = now(), expires_at = excluded.expires_at
         returning expires_at",
        hash.as_slice(),
        user
    )
    .fetch_one(to)
    .await?;
    Ok(Invitation { token, expires_at })
}

/// Makes a new link by which a user chooses a password; the one before is void.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(post, path = "/api/users/{id}/invitation", operation_id = "inviteUser", tag = "accounts",
    security(("session" = ["admin"], "csrf" = [])),
    params(("id" = i64, Path, description = "Of the user.")),
    responses((status = 201, description = "The link's secret.", body = Invitation)))]
pub async fn renew(state: Arc<AppState>, id: i64, admin: Caller) -> Result<Response, ApiError> {
    let mut transaction = state.pool.begin().await?;
    let there = sqlx::query_scalar!("select id from users where id = $1 and disabled_at is null for update", id);
    there.fetch_optional(&mut *transaction).await?.ok_or(ApiError::NotFound)?;
    let invitation = make(&mut *transaction, id).await?;
    audit::note(&mut *transaction, admin.user.id, "user_invited", json!({"user": id})).await?;
    transaction.commit().await?;
    Ok(warp::reply::with_status(warp::reply::json(&invitation), StatusCode::CREATED).into_response())
}

/// A link's secret; and a password, to use it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UseInvitation)]
pub struct Used {
    token: String,
    #[schema(min_length = 10, max_length = 1024)]
    password: Option<String>,
}

/// Whom a link is for.
#[derive(Serialize, ToSchema)]
#[schema(as = InvitationFor)]
struct For {
    email: String,
    #[schema(value_type = Role)]
    role: String,
}

/// What a link is answered with: whom it is for; after its use, who is signed in.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its description is used: signing in answers for itself")]
enum InvitationAnswer<'a> {
    Unused(For),
    Used(session::Session<'a>),
}

/// Tells whom a link is for; with a password sets that, uses the link up, and signs in here alone.
///
/// # Errors
/// 403 from elsewhere, 410 `invitation_gone`, 400 `bad_password`.
#[utoipa::path(post, path = "/api/invitation", operation_id = "useInvitation", tag = "accounts", security(("csrf" = [])),
    request_body = Used,
    responses((status = 200, description = "Whom it is for, or who is signed in now.", body = InvitationAnswer),
        (status = 400, description = "`bad_password`"), (status = 410, description = "`invitation_gone`")))]
pub async fn post(state: Arc<AppState>, headers: HeaderMap, Used { token, password }: Used) -> Result<Response, ApiError> {
    let hash = Hash::of(&token);
    let found = sqlx::query!(
        "select users.id, email, role from invitations join users on users.id = user_id
         where token_hash = $1 and expires_at > now() and disabled_at is null",
        hash.as_slice()
    );
    let user = found.fetch_optional(&state.pool).await?.ok_or(ApiError::InvitationGone)?;
    let Some(password) = password else {
        return Ok(warp::reply::json(&For { email: user.email, role: user.role }).into_response());
    };
    let password = password::checked_hash(password).await?;
    let mut transaction = state.pool.begin().await?;
    // Whoever deletes it has used it: of two at the same time one.
    let used = sqlx::query!("delete from invitations where token_hash = $1 and expires_at > now()", hash.as_slice());
    if used.execute(&mut *transaction).await?.rows_affected() == 0 {
        return Err(ApiError::InvitationGone);
    }
    sqlx::query!("update users set password_hash = $2 where id = $1", user.id, password).execute(&mut *transaction).await?;
    sqlx::query!("delete from sessions where user_id = $1", user.id).execute(&mut *transaction).await?;
    transaction.commit().await?;
    session::announce(&state).await;
    let role = user.role.parse().map_err(|_| ApiError::Internal("an unknown role in the database"))?;
    session::signed_in(&state, &headers, &User { id: user.id, email: user.email, role }).await
}
