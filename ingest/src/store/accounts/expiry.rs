//! Removes expired rows.

use sqlx::PgPool;

use crate::store::accounts::audit;

/// Deletes expired sessions and invitations, sign-in windows that have ended, and old entries about reading.
pub(crate) async fn delete_expired(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from sessions where expires_at < now() or last_seen_at < now() - interval '8 hours'")
        .execute(pool)
        .await?;
    sqlx::query!("delete from invitations where expires_at < now()").execute(pool).await?;
    sqlx::query!("delete from sign_in_failures where started_at < now() - interval '15 minutes'").execute(pool).await?;
    audit::delete_old_reads(pool).await
}
