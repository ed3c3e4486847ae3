//! `/api/tokens`: secrets that programs use to access the API.
//!
//! Only admins with a session manage tokens, so no token can create another.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::masking::Addresses;
use shared::session::{Caller, Hash, new_secret};
use shared::visibility::Restriction;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::accounts::restrictions::normalized;
use crate::api::accounts::session_change;
use crate::http::error::ApiError;
use crate::http::page::List;
use crate::state::AppState;
use crate::store::accounts::tokens::{self, Scope, Token, TokenChange, TokenGrant};

/// Maximum length of a name in characters.
const MAX_NAME_LENGTH: usize = 100;

/// Lists all tokens, without their secrets.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/tokens", operation_id = "listTokens", tag = "accounts", security(("session" = ["admin"])),
    responses((status = 200, description = "The tokens, newest first.", body = List<Token>)))]
pub(crate) async fn list(state: Arc<AppState>, _: Caller) -> Result<Response, ApiError> {
    let items = tokens::list(&state.pool).await?;
    Ok(warp::reply::json(&List { items, next: None }).into_response())
}

/// A token to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// The token's purpose, such as the program that uses it.
    #[schema(min_length = 1, max_length = 100, pattern = "\\S")]
    name: String,
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// The events that the token is limited to, in addition to what its user is limited to.
    #[serde(default)]
    #[schema(required = false)]
    restriction: Option<Restriction>,
    /// How the token sees addresses, if its user sees them: `full` by default.
    #[serde(default)]
    #[schema(required = false)]
    addresses: Addresses,
}

impl NewToken {
    /// Trims the name and removes duplicate scopes.
    fn normalize(mut self) -> Result<Self, ApiError> {
        self.name = self.name.trim().to_owned();
        self.scopes.sort_unstable();
        self.scopes.dedup();
        if self.name.is_empty() || self.name.chars().count() > MAX_NAME_LENGTH || self.name.contains('\0') {
            return Err(ApiError::NotJson(format!("`name` must have 1 to {MAX_NAME_LENGTH} characters")));
        }
        if self.scopes.is_empty() {
            return Err(ApiError::NotJson("`scopes` must contain `read`, `simulate` or both".to_owned()));
        }
        self.restriction = normalized(self.restriction)?;
        Ok(self)
    }
}

/// A newly created token.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenMade)]
struct CreatedToken {
    /// The secret. It is shown only once.
    token: String,
    item: Option<Token>,
}

/// Creates a token and returns its secret.
///
/// # Errors
/// 400, 401, 403.
#[utoipa::path(post, path = "/api/tokens", operation_id = "addToken", tag = "accounts",
    security(("session" = ["admin"], "csrf" = [])),
    request_body = NewToken,
    responses((status = 201, description = "The token was created.", body = CreatedToken)))]
pub(crate) async fn add(state: Arc<AppState>, admin: Caller, new_token: NewToken) -> Result<Response, ApiError> {
    let NewToken { name, scopes, restriction, addresses } = new_token.normalize()?;
    let scopes: Vec<String> = scopes.into_iter().map(|scope| scope.name().to_owned()).collect();
    let token = new_secret().map_err(|_| ApiError::Internal("no random bytes are available for a token"))?;
    let (hash, restriction) = (Hash::of(&token), restriction.as_ref());
    let grant = TokenGrant { hash, name: &name, scopes: &scopes, restriction, addresses };
    let id = tokens::add(&state.pool, admin.user.id, &grant).await?;
    let item = tokens::find(&state.pool, id).await?;
    Ok(warp::reply::with_status(warp::reply::json(&CreatedToken { token, item }), StatusCode::CREATED).into_response())
}

/// Changes what a token sees: the events that it is limited to, and addresses. Returns the token.
///
/// Live connections and exports that show what the token may no longer see end within seconds.
///
/// # Errors
/// 400, 401, 403, 404.
#[utoipa::path(patch, path = "/api/tokens/{id}", operation_id = "changeToken", tag = "accounts",
    security(("session" = ["admin"], "csrf" = [])),
    params(("id" = i64, Path, description = "Id of the token.")),
    request_body = TokenChange,
    responses((status = 200, description = "The changed token.", body = Token)))]
pub(crate) async fn change(state: Arc<AppState>, id: i64, admin: Caller, mut change: TokenChange) -> Result<Response, ApiError> {
    change.restriction = change.restriction.map(normalized).transpose()?;
    if !tokens::change(&state.pool, admin.user.id, id, &change).await? {
        return Err(ApiError::NotFound);
    }
    session_change::announce(&state).await;
    let token = tokens::find(&state.pool, id).await?.ok_or(ApiError::NotFound)?;
    Ok(warp::reply::json(&token).into_response())
}

/// Revokes a token and closes its live connections.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(delete, path = "/api/tokens/{id}", operation_id = "revokeToken", tag = "accounts",
    security(("session" = ["admin"], "csrf" = [])),
    params(("id" = i64, Path, description = "Id of the token.")),
    responses((status = 204, description = "The token was revoked.")))]
pub(crate) async fn revoke(state: Arc<AppState>, id: i64, admin: Caller) -> Result<Response, ApiError> {
    if !tokens::revoke(&state.pool, admin.user.id, id).await? {
        return Err(ApiError::NotFound);
    }
    session_change::announce(&state).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}
