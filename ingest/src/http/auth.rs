//! Authentication and authorization: the checks that guard the routes.

use http::HeaderMap;
use shared::session::{self, Caller, Credential, Permission};

use crate::http::error::ApiError;
use crate::state::AppState;

/// The caller: a user with a session cookie, or a token.
///
/// # Errors
/// `SignedOut` if there are no valid credentials; `Database` if Postgres fails.
pub async fn require_caller(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    session::authenticate(&state.pool, headers, &state.origins).await?.ok_or(ApiError::SignedOut)
}

/// A caller that is allowed to change data from the origin of the request.
///
/// # Errors
/// Same as [`require_caller`], plus `ForeignOrigin`.
pub async fn require_write(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = require_caller(state, headers).await?;
    require_same_origin(state, headers, &caller)?;
    Ok(caller)
}

/// A dashboard user changing their own data. Tokens do not own data.
///
/// # Errors
/// Same as [`require_write`], plus `Forbidden` for tokens.
pub async fn require_session(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = require_write(state, headers).await?;
    if matches!(caller.credential, Credential::Session(_)) { Ok(caller) } else { Err(ApiError::Forbidden) }
}

/// A caller that is allowed to read events.
///
/// # Errors
/// Same as [`require_caller`], plus `Forbidden` for a token without the `read` scope.
pub async fn require_reader(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = require_caller(state, headers).await?;
    if caller.may(Permission::Read) { Ok(caller) } else { Err(ApiError::Forbidden) }
}

/// A caller that is allowed to see operational data: an operator or admin, or their token with the `read` scope.
///
/// # Errors
/// Same as [`require_caller`], plus `Forbidden` for everyone else.
pub async fn require_operator(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = require_caller(state, headers).await?;
    if caller.may(Permission::Operate) { Ok(caller) } else { Err(ApiError::Forbidden) }
}

/// A caller that is allowed to read the audit log: an admin, or an admin's token with the `read` scope.
///
/// # Errors
/// Same as [`require_caller`], plus `Forbidden` for everyone else.
pub async fn require_auditor(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = require_caller(state, headers).await?;
    if caller.may(Permission::Audit) { Ok(caller) } else { Err(ApiError::Forbidden) }
}

/// An operator that is also allowed to make changes. A token needs both scopes, because retrying an element stores events.
///
/// # Errors
/// Same as [`require_operator`], plus `ForeignOrigin`.
pub async fn require_operator_write(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = require_operator(state, headers).await?;
    require_same_origin(state, headers, &caller)?;
    if caller.may(Permission::Simulate) { Ok(caller) } else { Err(ApiError::Forbidden) }
}

/// An admin using the dashboard. Tokens cannot manage accounts, so that a leaked token cannot create another.
///
/// # Errors
/// Same as [`require_caller`], plus `Forbidden` for everyone else and for tokens.
pub async fn require_admin(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = require_caller(state, headers).await?;
    if caller.may(Permission::Manage) { Ok(caller) } else { Err(ApiError::Forbidden) }
}

/// An admin making a change.
///
/// # Errors
/// Same as [`require_admin`], plus `ForeignOrigin`.
pub async fn require_admin_write(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = require_admin(state, headers).await?;
    require_same_origin(state, headers, &caller)?;
    Ok(caller)
}

/// Checks that a change that needs no session, such as signing in, comes from our own pages.
///
/// # Errors
/// `ForeignOrigin`.
pub fn require_own_origin(state: &AppState, headers: &HeaderMap) -> Result<(), ApiError> {
    if state.origins.allow_change(headers) { Ok(()) } else { Err(ApiError::ForeignOrigin) }
}

/// Browsers attach the cookie even to requests from foreign pages, so a change authenticated by cookie must come from our own
/// pages. A token is only ever sent deliberately.
fn require_same_origin(state: &AppState, headers: &HeaderMap, caller: &Caller) -> Result<(), ApiError> {
    match caller.credential {
        Credential::Token { .. } => Ok(()),
        Credential::Session(_) => require_own_origin(state, headers),
    }
}
