//! Password hashes of signed-in users.

use shared::session::Hash;
use sqlx::PgPool;

/// Reads a user's password hash. Returns `None` for users who have not set a password.
pub(crate) async fn find_hash(pool: &PgPool, user: i64) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select password_hash from users where id = $1", user).fetch_one(pool).await
}

/// Changes a user's password. Ends all their sessions except `current`, and deletes their invitation.
pub(crate) async fn change(pool: &PgPool, user: i64, password_hash: &str, current: &Hash) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query!("update users set password_hash = $2 where id = $1", user, password_hash).execute(&mut *transaction).await?;
    sqlx::query!("delete from sessions where user_id = $1 and id_hash <> $2", user, current.as_slice())
        .execute(&mut *transaction)
        .await?;
    sqlx::query!("delete from invitations where user_id = $1", user).execute(&mut *transaction).await?;
    transaction.commit().await
}
