//! Notifications contain addresses, just like events, so they are kept for the same period.

use sqlx::PgPool;

/// Number of rows deleted per transaction.
const CHUNK_ROWS: i64 = 5_000;

/// Deletes notifications older than `days` and returns the number deleted. The oldest notifications have the lowest ids.
///
/// # Errors
/// When Postgres fails. Chunks deleted before the failure stay deleted.
pub(crate) async fn delete_expired(pool: &PgPool, days: u32) -> Result<u64, sqlx::Error> {
    let mut total = 0;
    loop {
        let chunk = sqlx::query!(
            "delete from notifications where id = any(array(select id from notifications order by id limit $2))
             and created_at < now() - make_interval(days => $1)",
            i32::try_from(days).unwrap_or(i32::MAX),
            CHUNK_ROWS
        );
        let deleted = chunk.execute(pool).await?.rows_affected();
        total += deleted;
        if deleted == 0 {
            return Ok(total);
        }
    }
}
