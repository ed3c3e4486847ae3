//! `/api/sessions`: where one is signed in, and ending that.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::session::{Caller, Credential, Role};
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::accounts::{audit, session};
use crate::http::error::ApiError;
use crate::http::page::List;
use crate::http::page::Pairs;
use crate::state::AppState;

#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct Item {
    id: i64,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// To the minute.
    #[serde(with = "time::serde::rfc3339")]
    last_seen_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    user_agent: Option<String>,
    /// The one that asks.
    current: bool,
}

/// Lists where one is signed in.
///
/// # Errors
/// 401; 403 for tokens, and for what is not one's own.
#[utoipa::path(get, path = "/api/sessions", operation_id = "listSessions", tag = "sessions", security(("session" = [])),
    params(("user" = Option<i64>, Query, description = "For admins: whose; one's own unless given.")),
    responses((status = 200, description = "The sessions, last used first.", body = List<Item>),
        (status = 400, description = "`bad_page`")))]
pub async fn list(state: Arc<AppState>, caller: Caller, query: Pairs) -> Result<Response, ApiError> {
    let user = match query.get("user") {
        Some(id) => id.parse().map_err(|_| ApiError::BadPage)?,
        None => caller.user.id,
    };
    let own = own_of(&caller, user)?;
    let items = sqlx::query_as!(
        Item,
        r#"select id, created_at, last_seen_at, expires_at, user_agent, id_hash = $2 as "current!" from sessions
           where user_id = $1 and expires_at > now() and last_seen_at > now() - interval '8 hours'
           order by last_seen_at desc, id desc limit 1000"#,
        user,
        own
    )
    .fetch_all(&state.pool)
    .await?;
    Ok(warp::reply::json(&List { items, next: None }).into_response())
}

/// The hash of the session that asks, if it may deal with the sessions of this user.
fn own_of(caller: &Caller, user: i64) -> Result<&[u8], ApiError> {
    match &caller.credential {
        Credential::Session(hash) if user == caller.user.id || caller.user.role == Role::Admin => Ok(hash.as_slice()),
        _ => Err(ApiError::Forbidden),
    }
}

/// Ends a session of one's own; admins end any.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(delete, path = "/api/sessions/{id}", operation_id = "endSession", tag = "sessions",
    security(("session" = [], "csrf" = [])),
    params(("id" = i64, Path, description = "Of the session.")),
    responses((status = 204, description = "Ended.")))]
pub async fn end_one(state: Arc<AppState>, id: i64, caller: Caller) -> Result<Response, ApiError> {
    let ended = sqlx::query!(
        "delete from sessions where id = $1 and (user_id = $2 or $3)",
        id,
        caller.user.id,
        caller.user.role == Role::Admin
    );
    if ended.execute(&state.pool).await?.rows_affected() == 0 {
        return Err(ApiError::NotFound);
    }
    session::announce(&state).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What to end: all others of one's own, or for admins all of `user`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EndSessions)]
pub struct Whose {
    user: Option<i64>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = SessionsEnded)]
struct Ended {
    ended: u64,
}

/// Ends all other sessions of one's own; for admins all of one user.
///
/// # Errors
/// 401, 403, 400.
#[utoipa::path(post, path = "/api/sessions/end", operation_id = "endSessions", tag = "sessions",
    security(("session" = [], "csrf" = [])),
    request_body = Whose,
    responses((status = 200, description = "How many ended.", body = Ended)))]
pub async fn end_many(state: Arc<AppState>, caller: Caller, Whose { user }: Whose) -> Result<Response, ApiError> {
    let user = user.unwrap_or(caller.user.id);
    let own = own_of(&caller, user)?;
    let gone = sqlx::query!("delete from sessions where user_id = $1 and id_hash <> $2", user, own).execute(&state.pool).await?;
    let ended = gone.rows_affected();
    audit::note(&state.pool, caller.user.id, "sessions_ended", json!({"user": user, "count": ended})).await?;
    session::announce(&state).await;
    Ok(warp::reply::json(&Ended { ended }).into_response())
}
