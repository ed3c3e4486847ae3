//! The keys that identify duplicates are kept longer than their events, so that a late retry is still recognised.

use sqlx::PgPool;

/// Number of rows deleted per transaction.
const CHUNK_ROWS: i64 = 5_000;

/// Deletes the keys for partitions that were dropped more than 30 days ago. Returns the number of deleted keys.
///
/// # Errors
/// When Postgres fails. Chunks deleted before the failure stay deleted.
pub(crate) async fn delete_expired(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let retired = sqlx::query!(
        "select name, until from retired_partitions
         where forgotten_at is null and retired_at < now() - interval '30 days' order by until"
    );
    let mut total = 0;
    for partition in retired.fetch_all(pool).await? {
        loop {
            let chunk = sqlx::query!(
                "delete from event_keys where digest = any(array(select digest from event_keys where received_at < $1 limit $2))",
                partition.until,
                CHUNK_ROWS
            );
            let deleted = chunk.execute(pool).await?.rows_affected();
            total += deleted;
            if deleted == 0 {
                break;
            }
        }
        total += sqlx::query_scalar!(
            r#"with forgotten as (delete from retired_digests where name = $1 returning digests)
               select coalesce(sum(length(digests) / 16), 0)::bigint as "digests!" from forgotten"#,
            partition.name
        )
        .fetch_one(pool)
        .await?
        .cast_unsigned();
        sqlx::query!("update retired_partitions set forgotten_at = now() where name = $1", partition.name).execute(pool).await?;
    }
    Ok(total)
}
