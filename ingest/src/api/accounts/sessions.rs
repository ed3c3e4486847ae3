//! `/api/sessions`: listing and ending a user's sessions.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::session::{Caller, Credential, Hash, Role};
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::accounts::session_change;
use crate::http::error::ApiError;
use crate::http::page::{List, Pairs};
use crate::state::AppState;
use crate::store::accounts::sessions::{self, Session};

/// Lists the caller's sessions. Admins can list any user's sessions.
///
/// # Errors
/// 400 `bad_page`, 401, 403 for tokens and for other users' sessions.
#[utoipa::path(get, path = "/api/sessions", operation_id = "listSessions", tag = "sessions", security(("session" = [])),
    params(("user" = Option<i64>, Query, description = "Id of the user, for admins. Default: the caller.")),
    responses((status = 200, description = "The sessions, most recently used first.", body = List<Session>),
        (status = 400, description = "`bad_page`")))]
pub(crate) async fn list(state: Arc<AppState>, caller: Caller, query: Pairs) -> Result<Response, ApiError> {
    let user = match query.get("user") {
        Some(id) => id.parse().map_err(|_| ApiError::bad_page("user"))?,
        None => caller.user.id,
    };
    let items = sessions::list(&state.pool, user, current_session(&caller, user)?).await?;
    Ok(warp::reply::json(&List { items, next: None }).into_response())
}

/// The hash of the caller's session, if the caller is allowed to manage the sessions of `user`.
fn current_session(caller: &Caller, user: i64) -> Result<&Hash, ApiError> {
    match &caller.credential {
        Credential::Session(hash) if user == caller.user.id || caller.user.role == Role::Admin => Ok(hash),
        _ => Err(ApiError::Forbidden),
    }
}

/// Ends one of the caller's sessions. Admins can end any session.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(delete, path = "/api/sessions/{id}", operation_id = "endSession", tag = "sessions",
    security(("session" = [], "csrf" = [])),
    params(("id" = i64, Path, description = "Id of the session.")),
    responses((status = 204, description = "The session has ended.")))]
pub(crate) async fn end_one(state: Arc<AppState>, id: i64, caller: Caller) -> Result<Response, ApiError> {
    let is_admin = caller.user.role == Role::Admin;
    if !sessions::delete_by_id(&state.pool, id, caller.user.id, is_admin).await? {
        return Err(ApiError::NotFound);
    }
    session_change::announce(&state).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The user whose sessions are ended. Default: the caller. Only admins can specify another user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndSessions {
    user: Option<i64>,
}

/// The number of sessions that ended.
#[derive(Serialize, ToSchema)]
struct SessionsEnded {
    ended: u64,
}

/// Ends all of the caller's sessions except the current one. Admins can end all sessions of another user.
///
/// # Errors
/// 400, 401, 403.
#[utoipa::path(post, path = "/api/sessions/end", operation_id = "endSessions", tag = "sessions",
    security(("session" = [], "csrf" = [])),
    request_body = EndSessions,
    responses((status = 200, description = "The number of sessions that ended.", body = SessionsEnded)))]
pub(crate) async fn end_many(
    state: Arc<AppState>,
    caller: Caller,
    EndSessions { user }: EndSessions,
) -> Result<Response, ApiError> {
    let user = user.unwrap_or(caller.user.id);
    let current = current_session(&caller, user)?;
    let ended = sessions::delete_others(&state.pool, caller.user.id, user, current).await?;
    session_change::announce(&state).await;
    Ok(warp::reply::json(&SessionsEnded { ended }).into_response())
}
