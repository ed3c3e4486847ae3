//! API tokens.

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::session::Hash;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::store::accounts::audit;

/// A permission granted by a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    /// Read events and the live feed.
    Read,
    /// Post simulated events.
    Simulate,
}

impl Scope {
    /// The scope as the database stores it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Simulate => "simulate",
        }
    }
}

/// A token, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct Token {
    id: i64,
    name: String,
    user: TokenOwner,
    #[schema(value_type = Vec<Scope>)]
    scopes: Vec<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// Accurate to the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
}

/// The user on whose behalf a token acts.
#[derive(Serialize, ToSchema)]
struct TokenOwner {
    id: i64,
    email: String,
}

/// Lists all tokens, newest first.
pub(crate) async fn list(pool: &PgPool) -> Result<Vec<Token>, sqlx::Error> {
    read(pool, None).await
}

/// Finds a token by id.
pub(crate) async fn find(pool: &PgPool, id: i64) -> Result<Option<Token>, sqlx::Error> {
    Ok(read(pool, Some(id)).await?.pop())
}

async fn read(pool: &PgPool, id: Option<i64>) -> Result<Vec<Token>, sqlx::Error> {
    let rows = sqlx::query!(
        "select api_tokens.id, name, user_id, email, scopes, api_tokens.created_at, last_used_at
         from api_tokens join users on users.id = user_id where $1::bigint is null or api_tokens.id = $1
         order by api_tokens.id desc limit 1000",
        id
    )
    .fetch_all(pool)
    .await?;
    let tokens = rows.into_iter().map(|row| Token {
        id: row.id,
        name: row.name,
        user: TokenOwner { id: row.user_id, email: row.email },
        scopes: row.scopes,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
    });
    Ok(tokens.collect())
}

/// Adds a token that acts on behalf of `admin`. Returns its id.
pub(crate) async fn add(pool: &PgPool, admin: i64, token: &Hash, name: &str, scopes: &[String]) -> Result<i64, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let id = sqlx::query_scalar!(
        "insert into api_tokens (token_hash, name, user_id, scopes) values ($1, $2, $3, $4) returning id",
        token.as_slice(),
        name,
        admin,
        scopes
    )
    .fetch_one(&mut *transaction)
    .await?;
    audit::record(&mut *transaction, admin, "token_added", json!({"token": id, "scopes": scopes})).await?;
    transaction.commit().await?;
    Ok(id)
}

/// Adds a token that acts on behalf of the enabled user with this email address. Returns false if there is no such user.
pub(crate) async fn add_for_email(
    pool: &PgPool,
    email: &str,
    token: &Hash,
    name: &str,
    scopes: &[String],
) -> Result<bool, sqlx::Error> {
    let added = sqlx::query!(
        "insert into api_tokens (token_hash, name, user_id, scopes)
         select $1, $2, id, $4 from users where lower(email) = lower($3) and disabled_at is null",
        token.as_slice(),
        name,
        email,
        scopes
    );
    Ok(added.execute(pool).await?.rows_affected() > 0)
}

/// Revokes a token. Returns false if no token has this id.
pub(crate) async fn revoke(pool: &PgPool, admin: i64, id: i64) -> Result<bool, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let deleted = sqlx::query!("delete from api_tokens where id = $1", id).execute(&mut *transaction).await?;
    if deleted.rows_affected() == 0 {
        return Ok(false);
    }
    audit::record(&mut *transaction, admin, "token_revoked", json!({"token": id})).await?;
    transaction.commit().await?;
    Ok(true)
}
