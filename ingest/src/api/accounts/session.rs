//! `/api/session`: signing in and out, and getting the signed-in user.

use std::sync::Arc;
use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use shared::feed::{self, Cursor};
use shared::serve::Peer;
use shared::session::{self, Caller, Credential, Hash, User};
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::accounts::oidc::provider::Provider;
use crate::api::accounts::throttle::LoginAttempt;
use crate::api::accounts::{cookie, password, session_change};
use crate::http::error::ApiError;
use crate::state::AppState;
use crate::store::accounts::{sessions, sign_in};

/// Lifetime of the cookie in seconds: seven days, the same as the session's absolute limit.
const COOKIE_MAX_AGE: u32 = 7 * 24 * 60 * 60;
/// How long a response waits for Redis.
const REDIS_TIMEOUT: Duration = Duration::from_millis(250);
/// Maximum number of characters of the `User-Agent` header that are stored.
const MAX_USER_AGENT_LENGTH: usize = 256;

/// An email address and its password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Credentials {
    email: String,
    password: String,
}

/// The signed-in user, if any.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedIn)]
pub(crate) struct SessionStatus<'a> {
    /// Null if no user is signed in.
    user: Option<&'a User>,
    /// Name of the OpenID Connect provider. Null if none is configured.
    single_sign_on: Option<&'a str>,
    /// Current position in the feed, for signed-in users. Lists fetched after this response contain everything before the position, so a
    /// first `subscribe` with `after` leaves no gap. Null while Redis is unavailable.
    #[schema(value_type = Option<String>)]
    feed: Option<Cursor>,
}

impl<'a> SessionStatus<'a> {
    async fn response(state: &'a AppState, user: Option<&'a User>) -> Response {
        let single_sign_on = state.oidc.as_ref().map(Provider::name);
        let feed = if user.is_some() { feed_position(state).await } else { None };
        warp::reply::json(&Self { user, single_sign_on, feed }).into_response()
    }
}

/// The current position in the feed, or `None` if Redis does not respond quickly, since signing in must not wait for it.
async fn feed_position(state: &AppState) -> Option<Cursor> {
    let position = async { feed::end(&mut state.redis.get().await.ok()?).await.ok() };
    tokio::time::timeout(REDIS_TIMEOUT, position).await.ok().flatten()
}

/// Returns the signed-in user, if any.
///
/// # Errors
/// 500 or 503 when Postgres fails.
#[utoipa::path(get, path = "/api/session", operation_id = "getSession", tag = "sessions", security(()),
    responses((status = 200, description = "The signed-in user, if any.", body = SessionStatus)))]
pub(crate) async fn get(state: Arc<AppState>, headers: HeaderMap) -> Result<Response, ApiError> {
    let caller = session::authenticate(&state.pool, &headers, &state.origins).await?;
    Ok(SessionStatus::response(&state, caller.as_ref().map(|caller| &caller.user)).await)
}

/// Signs in and sets the session cookie.
///
/// Every sign-in creates a new session id, which prevents session fixation.
///
/// # Errors
/// 400, 401 `wrong_credentials`, 403 for a foreign origin, 429 `throttled`.
#[utoipa::path(post, path = "/api/session", operation_id = "signIn", tag = "sessions", security(("csrf" = [])),
    request_body = Credentials,
    responses((status = 200, description = "The user is signed in.", body = SessionStatus,
            headers(("Set-Cookie" = String, description = "The session cookie."))),
        (status = 401, description = "`wrong_credentials`"), (status = 429, description = "`throttled`")))]
pub(crate) async fn post(
    state: Arc<AppState>,
    peer: Peer,
    headers: HeaderMap,
    Credentials { email, password }: Credentials,
) -> Result<Response, ApiError> {
    if email.contains('\0') || password.chars().count() > password::MAX_LENGTH {
        return Err(ApiError::WrongCredentials);
    }
    let attempt = LoginAttempt::count(&state.pool, &email, peer).await?;
    let stored = sign_in::find_credentials(&state.pool, &email).await?;
    let (user, hash) = stored.map(|stored| (stored.user, stored.password_hash)).unzip();
    let is_correct = password::matches(password, hash.flatten()).await?;
    let Some(user) = user.filter(|_| is_correct) else { return Err(ApiError::WrongCredentials) };
    attempt.succeeded(&state.pool).await?;
    signed_in(&state, &headers, &user).await
}

/// Starts a session. The response is the same as for `GET /api/session`, plus the session cookie.
pub(crate) async fn signed_in(state: &AppState, headers: &HeaderMap, user: &User) -> Result<Response, ApiError> {
    let mut response = SessionStatus::response(state, Some(user)).await;
    start(state, headers, user, &mut response).await?;
    Ok(response)
}

/// Starts a session and adds its cookie to `response`.
pub(crate) async fn start(state: &AppState, headers: &HeaderMap, user: &User, response: &mut Response) -> Result<(), ApiError> {
    let secret = session::new_secret().map_err(|_| ApiError::Internal("no random bytes are available for a session"))?;
    let user_agent = headers.get(USER_AGENT).and_then(|user_agent| user_agent.to_str().ok());
    let user_agent: Option<String> = user_agent.map(|user_agent| user_agent.chars().take(MAX_USER_AGENT_LENGTH).collect());
    sessions::insert(&state.pool, &Hash::of(&secret), user.id, user_agent.as_deref()).await?;
    set_cookie(state, response, &secret, COOKIE_MAX_AGE)
}

/// Signs out and closes all of the session's live connections.
///
/// # Errors
/// 401, 403 for a foreign origin.
#[utoipa::path(delete, path = "/api/session", operation_id = "signOut", tag = "sessions", security(("session" = [], "csrf" = [])),
    responses((status = 204, description = "The session has ended.")))]
pub(crate) async fn delete(state: Arc<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let Credential::Session(hash) = caller.credential else { return Err(ApiError::Forbidden) };
    sessions::delete(&state.pool, &hash).await?;
    session_change::announce(&state).await;
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&state, &mut response, "", 0)?;
    Ok(response)
}

fn set_cookie(state: &AppState, response: &mut Response, value: &str, max_age: u32) -> Result<(), ApiError> {
    let attributes = format!("Max-Age={max_age}; SameSite=Strict");
    cookie::append(&state.origins, response, session::cookie_name(&state.origins), value, &attributes)
}
