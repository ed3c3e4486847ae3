//! Removes expired rows.

use sqlx::PgPool;

/// Deletes expired sessions and invitations, and sign-in windows that have ended.
pub(crate) async fn delete_expired(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from sessions where expires_at < now() or last_seen_at < now() - interval '8 hours'")
        .execute(pool)
        .await?;
    sqlx::query!("delete from invitations where expires_at < now()").execute(pool).await?;
    sqlx::query!("delete from sign_in_failures where started_at < now() - interval '15 minutes'").execute(pool).await?;
    Ok(())
}
