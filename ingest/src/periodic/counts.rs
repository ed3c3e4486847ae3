//! Folds the counts appended by commits into one row per hour.

use sqlx::PgPool;

/// # Errors
/// When Postgres fails; in that case nothing is folded.
pub(crate) async fn fold(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with gone as (delete from event_count_deltas returning *)
         insert into event_counts (hour, webhook, simulated, kind, outcome, count, last_at)
         select date_trunc('hour', at), webhook, simulated, kind, outcome, sum(count), max(at)
         from gone group by 1, 2, 3, 4, 5
         on conflict on constraint event_counts_pkey
         do update set count = event_counts.count + excluded.count, last_at = greatest(event_counts.last_at, excluded.last_at)"
    )
    .execute(pool)
    .await?;
    Ok(())
}
