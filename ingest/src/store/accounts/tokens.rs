//! API tokens.

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::masking::Addresses;
use shared::session::Hash;
use shared::visibility::Restriction;
use sqlx::types::Json;
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::store::accounts::audit;
use crate::store::accounts::users::present;

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
    /// The events that the token is limited to, in addition to what its user is limited to. Null if it is not.
    #[schema(value_type = Option<Restriction>)]
    restriction: Option<Json<Restriction>>,
    /// How the token sees addresses, if its user sees them.
    #[schema(value_type = Addresses)]
    addresses: String,
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
        r#"select api_tokens.id, name, user_id, email, scopes, api_tokens.restriction as "restriction: Json<Restriction>",
                  api_tokens.addresses, api_tokens.created_at, last_used_at
           from api_tokens join users on users.id = user_id where $1::bigint is null or api_tokens.id = $1
           order by api_tokens.id desc limit 1000"#,
        id
    )
    .fetch_all(pool)
    .await?;
    let tokens = rows.into_iter().map(|row| Token {
        id: row.id,
        name: row.name,
        user: TokenOwner { id: row.user_id, email: row.email },
        scopes: row.scopes,
        restriction: row.restriction,
        addresses: row.addresses,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
    });
    Ok(tokens.collect())
}

/// What is stored of a new token.
pub(crate) struct TokenGrant<'a> {
    pub(crate) hash: Hash,
    pub(crate) name: &'a str,
    pub(crate) scopes: &'a [String],
    pub(crate) restriction: Option<&'a Restriction>,
    pub(crate) addresses: Addresses,
}

/// Adds a token that acts on behalf of `admin`. Returns its id.
pub(crate) async fn add(pool: &PgPool, admin: i64, token: &TokenGrant<'_>) -> Result<i64, sqlx::Error> {
    let TokenGrant { scopes, restriction, addresses, .. } = token;
    let mut transaction = pool.begin().await?;
    let id = insert(&mut *transaction, admin, token).await?;
    let details = json!({"token": id, "scopes": scopes, "restriction": restriction, "addresses": addresses});
    audit::record(&mut *transaction, admin, "token_added", details).await?;
    transaction.commit().await?;
    Ok(id)
}

/// Adds a token that acts on behalf of the enabled user with this email address. Returns false if there is no such user.
pub(crate) async fn add_for_email(pool: &PgPool, email: &str, token: &TokenGrant<'_>) -> Result<bool, sqlx::Error> {
    let user = sqlx::query_scalar!("select id from users where lower(email) = lower($1) and disabled_at is null", email);
    let Some(user) = user.fetch_optional(pool).await? else { return Ok(false) };
    insert(pool, user, token).await?;
    Ok(true)
}

async fn insert(executor: impl PgExecutor<'_>, user: i64, token: &TokenGrant<'_>) -> Result<i64, sqlx::Error> {
    let TokenGrant { hash, name, scopes, restriction, addresses } = token;
    sqlx::query_scalar!(
        "insert into api_tokens (token_hash, name, user_id, scopes, restriction, addresses)
         values ($1, $2, $3, $4, $5, $6) returning id",
        hash.as_slice(),
        name,
        user,
        scopes,
        restriction.map(Json) as Option<Json<&Restriction>>,
        addresses.name()
    )
    .fetch_one(executor)
    .await
}

/// Changes to a token. Omitted fields are left unchanged.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangeToken)]
pub(crate) struct TokenChange {
    /// The events that the token is limited to, in addition to what its user is limited to; null for all that its user may see.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Restriction>, required = false)]
    pub(crate) restriction: Option<Option<Restriction>>,
    /// How the token sees addresses, if its user sees them.
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<Addresses>,
}

/// Changes what a token sees. Returns false if no token has this id.
pub(crate) async fn change(pool: &PgPool, admin: i64, id: i64, change: &TokenChange) -> Result<bool, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let changed = sqlx::query!(
        "update api_tokens set restriction = case when $2 then $3 else restriction end, addresses = coalesce($4, addresses)
         where id = $1",
        id,
        change.restriction.is_some(),
        change.restriction.as_ref().and_then(Option::as_ref).map(Json) as Option<Json<&Restriction>>,
        change.addresses.map(Addresses::name)
    );
    if changed.execute(&mut *transaction).await?.rows_affected() == 0 {
        return Ok(false);
    }
    audit::record(&mut *transaction, admin, "token_changed", json!({"token": id, "to": change})).await?;
    transaction.commit().await?;
    Ok(true)
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
