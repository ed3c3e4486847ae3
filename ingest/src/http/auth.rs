//! Who is calling, and what they may do: the checks that guard routes.

use http::HeaderMap;
use shared::session::{self, Caller, Credential};

use crate::http::error::ApiError;
use crate::state::AppState;

/// The caller: a user with a session cookie, or a token.
///
/// # Errors
/// `SignedOut` without valid credentials; `Database` when Postgres fails.
pub async fn require_caller(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    session::authenticate(&state.pool, headers, &state.origins).await?.ok_or(ApiError::SignedOut)
}

/// A caller that may change data from where the request was sent.
///
/// # Errors
/// As [`require_caller`]; `ForeignOrigin`.
pub async fn require_write(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = require_caller(state, headers).await?;
    require_same_origin(state, headers, &caller)?;
    Ok(caller)
}

/// A user at the dashboard who changes their own data. Tokens own no data.
///
/// # Errors
/// As [`require_write`]; `Forbidden` for tokens.
pub async fn require_session(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = require_write(state, headers).await?;
    if matches!(caller.credential, Credential::Session(_)) { Ok(caller) } else { Err(ApiError::Forbidden) }
}

/// A caller that may read events.
///
/// # Errors
/// As [`require_caller`]; `Forbidden` for a token without the scope `read`.
pub async fn require_reader(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = require_caller(state, headers).await?;
    if caller.may_read() { Ok(caller) } else { Err(ApiError::Forbidden) }
}

/// A caller that may see how the service runs: an admin, or a token of an admin with the scope `read`.
///
/// # Errors
/// As [`require_caller`]; `Forbidden` for everyone else.
pub async fn require_operator(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = require_caller(state, headers).await?;
    if caller.may_operate() { Ok(caller) } else { Err(ApiError::Forbidden) }
}

/// An operator that may also change what it sees. A token needs both scopes, because retrying an element stores events.
///
/// # Errors
/// As [`require_operator`]; `ForeignOrigin`.
pub async fn require_operator_write(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = require_operator(state, headers).await?;
    require_same_origin(state, headers, &caller)?;
    if caller.may_simulate() { Ok(caller) } else { Err(ApiError::Forbidden) }
}

/// An admin at the dashboard. Tokens cannot manage accounts, so that a leaked token cannot create another.
///
/// # Errors
/// As [`require_caller`]; `Forbidden` for viewers and tokens.
pub async fn require_admin(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = require_caller(state, headers).await?;
    if caller.may_manage() { Ok(caller) } else { Err(ApiError::Forbidden) }
}

/// An admin who makes a change.
///
/// # Errors
/// As [`require_admin`]; `ForeignOrigin`.
pub async fn require_admin_write(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = require_admin(state, headers).await?;
    require_same_origin(state, headers, &caller)?;
    Ok(caller)
}

/// A change that needs no session, such as signing in, must still come from our own pages.
///
/// # Errors
/// `ForeignOrigin`.
pub fn require_own_origin(state: &AppState, headers: &HeaderMap) -> Result<(), ApiError> {
    if state.origins.allow_change(headers) { Ok(()) } else { Err(ApiError::ForeignOrigin) }
}

/// A browser attaches the cookie to requests of foreign pages, so a change by cookie must come from our own pages. A token is only
/// sent on purpose.
fn require_same_origin(state: &AppState, headers: &HeaderMap, caller: &Caller) -> Result<(), ApiError> {
    match caller.credential {
        Credential::Token { .. } => Ok(()),
        Credential::Session(_) => require_own_origin(state, headers),
    }
}
