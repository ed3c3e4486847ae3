//! Stores counts of refused deliveries by reason, network and hour.

use sqlx::PgPool;

use crate::webhook::refusals::{MAX_NETWORKS, RefusalCount, RefusalCounts};

/// Adds the counts to the current hour, and keeps the newest [`MAX_NETWORKS`] rows of each reason, with and without
/// a near miss.
///
/// # Errors
/// Returns an error if Postgres fails. Nothing is stored in that case.
pub(crate) async fn store(pool: &PgPool, counts: &RefusalCounts) -> Result<(), sqlx::Error> {
    let mut rows: Vec<_> = counts.iter().collect();
    rows.sort_unstable_by_key(|(key, _)| *key);
    let reasons: Vec<&str> = rows.iter().map(|((reason, _), _)| *reason).collect();
    let networks: Vec<&str> = rows.iter().map(|((_, network), _)| network.as_str()).collect();
    let proven: Vec<i64> = rows.iter().map(|(_, count)| count.proven).collect();
    let likely: Vec<i64> = rows.iter().map(|(_, count)| count.likely).collect();
    let counts: Vec<i64> = rows.iter().map(|(_, count)| count.times).collect();
    let codes = |row: &RefusalCount| row.near_miss.as_ref().map(|(codes, _)| codes.clone());
    let near_misses: Vec<Option<String>> = rows.iter().map(|(_, count)| codes(count)).collect();
    let hints: Vec<Option<String>> =
        rows.iter().map(|(_, count)| count.near_miss.as_ref().map(|(_, hint)| hint.clone())).collect();
    let mut transaction = pool.begin().await?;
    sqlx::query!(
        "insert into refusals (reason, network, hour, count, first_at, last_at, near_miss, hint, proven, likely)
         select reason, network, date_trunc('hour', now()), count, now(), now(), near_miss, hint, proven, likely
         from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[])
           as t (reason, network, count, near_miss, hint, proven, likely)
         on conflict on constraint refusals_pkey
         do update set count = refusals.count + excluded.count, last_at = excluded.last_at,
           proven = refusals.proven + excluded.proven, likely = refusals.likely + excluded.likely,
           near_miss = coalesce(excluded.near_miss, refusals.near_miss),
           hint = case when excluded.near_miss is null then refusals.hint else excluded.hint end",
        &reasons as &[&str],
        &networks as &[&str],
        &counts,
        &near_misses as &[Option<String>],
        &hints as &[Option<String>],
        &proven,
        &likely
    )
    .execute(&mut *transaction)
    .await?;
    let keep = i64::try_from(MAX_NETWORKS).unwrap_or(i64::MAX);
    sqlx::query!(
        "delete from refusals where (reason, network, hour) in
           (select reason, network, hour from (
              select reason, network, hour,
                     row_number() over (partition by reason, near_miss is null order by last_at desc, network) as place
              from refusals
            ) as ranked where place > $1)",
        keep
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}
