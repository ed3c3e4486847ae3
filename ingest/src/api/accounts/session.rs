//! `/api/session`: signing in, asking who one is, signing out. And the question every other handler asks: who is calling?

use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderValue, SET_COOKIE, USER_AGENT};
use http::{HeaderMap, StatusCode};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};
use shared::feed::{self, Cursor, SESSIONS_CHANNEL};
use shared::origin::Origins;
use shared::serve::Peer;
use shared::session::{self, Caller, Credential, Hash, User};
use sqlx::PgPool;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::accounts::oidc::provider::Provider;
use crate::api::accounts::password;
use crate::api::accounts::throttle::{self, Try};
use crate::http::error::ApiError;
use crate::state::AppState;

/// Seven days in seconds: the cookie goes when the session's absolute limit does.
const MAX_AGE: u32 = 7 * 24 * 60 * 60;
/// How long an answer waits for Redis.
const REDIS_PATIENCE: Duration = Duration::from_millis(250);
/// Characters kept of what a session was begun with.
const LONGEST_AGENT: usize = 256;

#[derive(Deserialize, ToSchema)]
pub struct Credentials {
    email: String,
    password: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = SignedIn)]
pub struct Session<'a> {
    /// Null when nobody is signed in.
    user: Option<&'a User>,
    /// What people call the provider through which they may sign in, if there is one.
    single_sign_on: Option<&'a str>,
    /// Where the feed stands, for whoever is signed in: what is fetched from now on has all that came before, so that a first
    /// `subscribe` with `after` leaves no gap. Null while Redis is away.
    #[schema(value_type = Option<String>)]
    feed: Option<Cursor>,
}

impl<'a> Session<'a> {
    async fn of(state: &'a AppState, user: Option<&'a User>) -> Response {
        let single_sign_on = state.oidc.as_ref().map(Provider::name);
        let feed = if user.is_some() { feed_end(state).await } else { None };
        warp::reply::json(&Self { user, single_sign_on, feed }).into_response()
    }
}

/// Where the feed stands, if Redis says so at once: whoever signs in does not wait for it.
async fn feed_end(state: &AppState) -> Option<Cursor> {
    let asked = async { feed::end(&mut state.redis.get().await.ok()?).await.ok() };
    tokio::time::timeout(REDIS_PATIENCE, asked).await.ok().flatten()
}

/// Tells who is signed in, if anybody.
///
/// # Errors
/// When Postgres fails.
#[utoipa::path(get, path = "/api/session", operation_id = "getSession", tag = "sessions", security(()),
    responses((status = 200, description = "Who is asking.", body = Session)))]
pub async fn get(state: Arc<AppState>, headers: HeaderMap) -> Result<Response, ApiError> {
    let caller = session::authenticate(&state.pool, &headers, &state.origins).await?;
    Ok(Session::of(&state, caller.as_ref().map(|caller| &caller.user)).await)
}

/// Signs in, and sets the session's cookie.
///
/// A new id each time, so none can be fixed in advance.
///
/// # Errors
/// 403 from elsewhere, 400, 401 `wrong_credentials`, 429.
#[utoipa::path(post, path = "/api/session", operation_id = "signIn", tag = "sessions", security(("csrf" = [])),
    request_body = Credentials,
    responses((status = 200, description = "Signed in.", body = Session,
            headers(("Set-Cookie" = String, description = "The session."))),
        (status = 401, description = "`wrong_credentials`"), (status = 429, description = "`throttled`")))]
pub async fn post(
    state: Arc<AppState>,
    peer: Peer,
    headers: HeaderMap,
    Credentials { email, password }: Credentials,
) -> Result<Response, ApiError> {
    if email.contains('\0') || password.chars().count() > password::LONGEST {
        return Err(ApiError::WrongCredentials);
    }
    let counted = Try::count(&state.pool, &email, peer).await?;
    let counted = counted.map_err(|retry_after| ApiError::Throttled { retry_after })?;
    let found = sqlx::query!(
        "select id, email, role, password_hash from users where lower(email) = lower($1) and disabled_at is null",
        email
    )
    .fetch_optional(&state.pool)
    .await?;
    let stored = found.as_ref().and_then(|user| user.password_hash.clone());
    let fits = password::verify(password, stored).await.map_err(|_| ApiError::Internal("a password could not be checked"))?;
    let Some(user) = found.filter(|_| fits) else { return Err(ApiError::WrongCredentials) };
    counted.was_right(&state.pool).await?;
    let role = user.role.parse().map_err(|_| ApiError::Internal("an unknown role in the database"))?;
    let user = User { id: user.id, email: user.email, role };
    signed_in(&state, &headers, &user).await
}

/// Begins a session: answers with its cookie, and as `GET` does.
pub(crate) async fn signed_in(state: &AppState, headers: &HeaderMap, user: &User) -> Result<Response, ApiError> {
    let mut response = Session::of(state, Some(user)).await;
    begin(state, headers, user, &mut response).await?;
    Ok(response)
}

/// Begins a session, and sets its cookie with this response.
pub(crate) async fn begin(state: &AppState, headers: &HeaderMap, user: &User, response: &mut Response) -> Result<(), ApiError> {
    let secret = session::new_secret().map_err(|_| ApiError::Internal("no randomness for a session"))?;
    let hash = Hash::of(&secret);
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    let agent: Option<String> = agent.map(|agent| agent.chars().take(LONGEST_AGENT).collect());
    sqlx::query!(
        "with begun as (
           insert into sessions (id_hash, user_id, expires_at, user_agent)
           values ($1, $2, now() + interval '7 days', $3) returning user_id
         )
         update users set seen_at = now() from begun where users.id = begun.user_id",
        hash.as_slice(),
        user.id,
        agent
    )
    .execute(&state.pool)
    .await?;
    set_cookie(state, response, &secret, MAX_AGE)
}

/// Signs out, here and on every open socket of this session.
///
/// # Errors
/// 401 when signed out already, 403 from elsewhere.
#[utoipa::path(delete, path = "/api/session", operation_id = "signOut", tag = "sessions", security(("session" = [], "csrf" = [])),
    responses((status = 204, description = "Signed out.")))]
pub async fn delete(state: Arc<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let Credential::Session(hash) = caller.credential else { return Err(ApiError::Forbidden) };
    sqlx::query!("delete from sessions where id_hash = $1", hash.as_slice()).execute(&state.pool).await?;
    announce(&state).await;
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&state, &mut response, "", 0)?;
    Ok(response)
}

/// Tells notifiers to look at their sessions now. They also look by themselves every two seconds.
pub(crate) async fn announce(state: &AppState) {
    if let Ok(mut connection) = state.redis.get().await {
        let told: Result<i64, redis::RedisError> = connection.publish(SESSIONS_CHANNEL, "changed").await;
        if let Err(error) = told {
            tracing::debug!(%error, "a change of sessions could not be announced");
        }
    }
}

fn set_cookie(state: &AppState, response: &mut Response, value: &str, max_age: u32) -> Result<(), ApiError> {
    let attributes = format!("Max-Age={max_age}; SameSite=Strict");
    add_cookie(&state.origins, response, session::cookie_name(&state.origins), value, &attributes)
}

/// Has the browser keep a value that no script reads, beside other cookies that the response sets.
pub(crate) fn add_cookie(
    origins: &Origins,
    response: &mut Response,
    name: &str,
    value: &str,
    attributes: &str,
) -> Result<(), ApiError> {
    let secure = if origins.all_secure() { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; {attributes}{secure}");
    let cookie = HeaderValue::from_str(&cookie).map_err(|_| ApiError::Internal("a cookie that is no header"))?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(())
}

/// Removes sessions past their limits, and windows of failed sign-ins that have ended.
///
/// # Errors
/// When Postgres fails.
pub async fn sweep(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from sessions where expires_at < now() or last_seen_at < now() - interval '8 hours'")
        .execute(pool)
        .await?;
    sqlx::query!("delete from invitations where expires_at < now()").execute(pool).await?;
    throttle::sweep(pool).await
}
