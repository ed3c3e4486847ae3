//! Invitations: one-time links that users follow to set their password. Each user has at most one invitation at a time.

use serde_json::json;
use shared::session::{Hash, User};
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;

use crate::store::accounts::audit;
use crate::store::accounts::user_row;

/// Stores an invitation that is valid for three days and replaces the user's previous one. Returns its expiry time.
pub(crate) async fn insert(executor: impl PgExecutor<'_>, user: i64, token: &Hash) -> Result<OffsetDateTime, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into invitations (token_hash, user_id, expires_at) values ($1, $2, now() + interval '3 days')
         on conflict (user_id) do update
           set token_hash = excluded.token_hash, created_at = now(), expires_at = excluded.expires_at
         returning expires_at",
        token.as_slice(),
        user
    )
    .fetch_one(executor)
    .await
}

/// Invites a user again. Returns the invitation's expiry time, or `None` if the user does not exist or is disabled.
pub(crate) async fn renew(pool: &PgPool, admin: i64, user: i64, token: &Hash) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let enabled = sqlx::query_scalar!("select id from users where id = $1 and disabled_at is null for update", user);
    if enabled.fetch_optional(&mut *transaction).await?.is_none() {
        return Ok(None);
    }
    let expires_at = insert(&mut *transaction, user, token).await?;
    audit::record(&mut *transaction, admin, "user_invited", json!({"user": user})).await?;
    transaction.commit().await?;
    Ok(Some(expires_at))
}

/// Finds the user that a valid invitation belongs to.
pub(crate) async fn find_user(pool: &PgPool, token: &Hash) -> Result<Option<User>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "select users.id from invitations join users on users.id = user_id
         where token_hash = $1 and expires_at > now() and disabled_at is null",
        token.as_slice()
    );
    match id.fetch_optional(pool).await? {
        Some(id) => user_row::read(pool, id).await.map(Some),
        None => Ok(None),
    }
}

/// Consumes an invitation: sets the user's password and ends all their sessions. Returns false if the invitation has expired or
/// another request consumed it first.
pub(crate) async fn accept(pool: &PgPool, token: &Hash, user: i64, password_hash: &str) -> Result<bool, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    // If two requests run concurrently, only one deletes the row.
    let consumed = sqlx::query!("delete from invitations where token_hash = $1 and expires_at > now()", token.as_slice());
    if consumed.execute(&mut *transaction).await?.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!("update users set password_hash = $2 where id = $1", user, password_hash).execute(&mut *transaction).await?;
    sqlx::query!("delete from sessions where user_id = $1", user).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(true)
}
