//! `/api/tokens`: secrets for programs, with what each is good for. For admins at the dashboard; no token makes another.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::session::{Caller, Hash, new_secret};
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::accounts::{audit, session};
use crate::http::error::ApiError;
use crate::http::page::List;
use crate::state::AppState;

/// Characters of a name.
const LONGEST_NAME: usize = 100;

/// What a token may be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Scope {
    /// Events and the live feed.
    Read,
    /// Posting events.
    Simulate,
}

impl Scope {
    fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Simulate => "simulate",
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
struct Item {
    id: i64,
    name: String,
    user: Owner,
    #[schema(value_type = Vec<Scope>)]
    scopes: Vec<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// To the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TokenOwner)]
struct Owner {
    id: i64,
    email: String,
}

/// Lists all tokens, without their secrets.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/tokens", operation_id = "listTokens", tag = "accounts", security(("session" = ["admin"])),
    responses((status = 200, description = "Newest first.", body = List<Item>)))]
pub async fn list(state: Arc<AppState>, _: Caller) -> Result<Response, ApiError> {
    let items = read(&state.pool, None).await?;
    Ok(warp::reply::json(&List { items, next: None }).into_response())
}

async fn read(pool: &PgPool, id: Option<i64>) -> Result<Vec<Item>, sqlx::Error> {
    let rows = sqlx::query!(
        "select api_tokens.id, name, user_id, email, scopes, api_tokens.created_at, last_used_at
         from api_tokens join users on users.id = user_id where $1::bigint is null or api_tokens.id = $1
         order by api_tokens.id desc limit 1000",
        id
    )
    .fetch_all(pool)
    .await?;
    let item = rows.into_iter().map(|row| Item {
        id: row.id,
        name: row.name,
        user: Owner { id: row.user_id, email: row.email },
        scopes: row.scopes,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
    });
    Ok(item.collect())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewToken)]
pub struct New {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100, pattern = "\\S")]
    name: String,
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TokenMade)]
struct Made {
    /// The secret.
    token: String,
    item: Option<Item>,
}

/// Makes a token: gives its secret, this once.
///
/// # Errors
/// 401, 403, 400.
#[utoipa::path(post, path = "/api/tokens", operation_id = "addToken", tag = "accounts",
    security(("session" = ["admin"], "csrf" = [])),
    request_body = New,
    responses((status = 201, description = "Made.", body = Made)))]
pub async fn add(state: Arc<AppState>, admin: Caller, New { name, mut scopes }: New) -> Result<Response, ApiError> {
    let name = name.trim();
    scopes.sort_unstable();
    scopes.dedup();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.contains('\0') {
        return Err(ApiError::NotJson(format!("`name` has 1 to {LONGEST_NAME} characters")));
    }
    if scopes.is_empty() {
        return Err(ApiError::NotJson("`scopes` are one or more of `read` and `simulate`".to_owned()));
    }
    let scopes: Vec<String> = scopes.into_iter().map(|scope| scope.name().to_owned()).collect();
    let token = new_secret().map_err(|_| ApiError::Internal("no randomness for a token"))?;
    let hash = Hash::of(&token);
    let mut transaction = state.pool.begin().await?;
    let id = sqlx::query_scalar!(
        "insert into api_tokens (token_hash, name, user_id, scopes) values ($1, $2, $3, $4) returning id",
        hash.as_slice(),
        name,
        admin.user.id,
        &scopes
    )
    .fetch_one(&mut *transaction)
    .await?;
    audit::note(&mut *transaction, admin.user.id, "token_added", json!({"token": id, "scopes": scopes})).await?;
    transaction.commit().await?;
    let item = read(&state.pool, Some(id)).await?.pop();
    Ok(warp::reply::with_status(warp::reply::json(&Made { token, item }), StatusCode::CREATED).into_response())
}

/// Revokes a token: from now on it opens nothing, and its sockets close.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(delete, path = "/api/tokens/{id}", operation_id = "revokeToken", tag = "accounts",
    security(("session" = ["admin"], "csrf" = [])),
    params(("id" = i64, Path, description = "Of the token.")),
    responses((status = 204, description = "Revoked.")))]
pub async fn revoke(state: Arc<AppState>, id: i64, admin: Caller) -> Result<Response, ApiError> {
    let mut transaction = state.pool.begin().await?;
    let gone = sqlx::query!("delete from api_tokens where id = $1", id).execute(&mut *transaction).await?;
    if gone.rows_affected() == 0 {
        return Err(ApiError::NotFound);
    }
    audit::note(&mut *transaction, admin.user.id, "token_revoked", json!({"token": id})).await?;
    transaction.commit().await?;
    session::announce(&state).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}
