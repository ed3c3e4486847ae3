//! Counts the events that match a filter, grouped by time.

use std::collections::BTreeMap;

use shared::filter::Filter;
use sqlx::{PgPool, QueryBuilder};
use time::OffsetDateTime;

use crate::store::events::search_plan::{self, RowLimit};
use crate::store::events::selection::push_conditions;

/// Counts by kind for each bucket number. Buckets and kinds without events are omitted.
pub(crate) type BucketCounts = BTreeMap<i64, BTreeMap<String, i64>>;

/// When the oldest event was received, if at most `limit` events are stored; `None` if there are more, or none.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn oldest_of_few(pool: &PgPool, limit: i64) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    // Ids are consecutive, but for a few that commits left unused: counting rows would cost far more.
    sqlx::query_scalar!(
        "select oldest.received_at
         from (select received_at, id from events order by received_at, id limit 1) oldest,
           (select id from events order by received_at desc, id desc limit 1) newest
         where newest.id - oldest.id < $1",
        limit
    )
    .fetch_optional(pool)
    .await
}

/// Counts events by kind in buckets of `step` seconds; bucket 0 starts at `start`.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count_by_bucket(
    pool: &PgPool,
    filter: &Filter,
    start: OffsetDateTime,
    step: i64,
) -> Result<BucketCounts, sqlx::Error> {
    let plan = search_plan::choose(pool, filter, RowLimit::All).await?;
    let mut sql = QueryBuilder::new("select floor(extract(epoch from received_at - ");
    sql.push_bind(start).push(") / ").push_bind(step).push(")::bigint, kind, count(*) from events where true");
    push_conditions(&mut sql, filter, plan);
    sql.push(" group by 1, 2");
    let rows: Vec<(i64, String, i64)> = sql.build_query_as().fetch_all(pool).await?;
    let mut counts = BucketCounts::new();
    for (bucket, kind, count) in rows {
        *counts.entry(bucket).or_default().entry(kind).or_default() += count;
    }
    Ok(counts)
}
