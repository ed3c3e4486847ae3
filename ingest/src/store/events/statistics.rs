//! Reads event counts. Counts are kept after the events themselves are deleted.

use serde::Serialize;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A range of whole hours; the end is exclusive.
#[derive(Serialize, ToSchema)]
pub(crate) struct Period {
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) to: OffsetDateTime,
}

/// The number of stored events of one kind in one time unit.
pub(crate) struct TimeCount {
    /// Start of the time unit.
    pub(crate) at: OffsetDateTime,
    pub(crate) kind: String,
    pub(crate) count: i64,
}

/// The number of stored events of one kind that share a facet value, such as a tag.
pub(crate) struct FacetCount {
    /// `domain`, `tag`, `template` or `bounce`.
    pub(crate) facet: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) count: i64,
}

/// True if Postgres knows a time zone with this name.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn is_time_zone(pool: &PgPool, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select exists (select from pg_timezone_names where name = $1) as "is!""#, name).fetch_one(pool).await
}

/// The number of stored events of one kind with the same verdict.
pub(crate) struct VerdictCount {
    pub(crate) kind: String,
    /// Empty for kinds without one, and for events without a verdict.
    pub(crate) reason_class: String,
    /// Empty for kinds without one, and for events without a verdict.
    pub(crate) actor: String,
    pub(crate) count: i64,
}

/// Counts events by kind and `unit` (`hour`, `day` or `month`) in the given time zone, oldest first: the counts by quarter of an hour, the
/// deltas that have not been merged into them yet, and the hourly counts of version 0.2.0.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count_by_time(
    pool: &PgPool,
    period: &Period,
    unit: &str,
    zone: &str,
    simulated: Option<bool>,
) -> Result<Vec<TimeCount>, sqlx::Error> {
    sqlx::query_as!(
        TimeCount,
        r#"select date_trunc($3, hour, $4) as "at!", kind as "kind!", sum(count)::bigint as "count!" from (
             select at as hour, kind, count from event_tallies
             where outcome = 'stored' and at >= $1 and at < $2 and ($5::boolean is null or simulated = $5)
             union all
             select quarter_hour(at), kind, count from event_tally_deltas
             where outcome = 'stored' and at >= $1 and at < $2 and ($5::boolean is null or simulated = $5)
             union all
             select hour, kind, count from event_counts
             where outcome = 'stored' and hour >= $1 and hour < $2 and ($5::boolean is null or simulated = $5)
             union all
             select date_trunc('hour', at), kind, count from event_count_deltas
             where outcome = 'stored' and at >= $1 and at < $2 and ($5::boolean is null or simulated = $5)
           ) as counted
           group by 1, 2 having sum(count) > 0 order by 1, 2"#,
        period.from,
        period.to,
        unit,
        zone,
        simulated
    )
    .fetch_all(pool)
    .await
}

/// Counts events by kind and verdict.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count_by_verdict(
    pool: &PgPool,
    period: &Period,
    simulated: Option<bool>,
) -> Result<Vec<VerdictCount>, sqlx::Error> {
    sqlx::query_as!(
        VerdictCount,
        r#"select kind as "kind!", reason_class as "reason_class!", actor as "actor!", sum(count)::bigint as "count!" from (
             select kind, reason_class, actor, count from event_tallies
             where outcome = 'stored' and at >= $1 and at < $2 and ($3::boolean is null or simulated = $3)
             union all
             select kind, reason_class, actor, count from event_tally_deltas
             where outcome = 'stored' and at >= $1 and at < $2 and ($3::boolean is null or simulated = $3)
             union all
             select kind, '', '', count from event_counts
             where outcome = 'stored' and hour >= $1 and hour < $2 and ($3::boolean is null or simulated = $3)
             union all
             select kind, '', '', count from event_count_deltas
             where outcome = 'stored' and at >= $1 and at < $2 and ($3::boolean is null or simulated = $3)
           ) as counted
           group by 1, 2, 3 having sum(count) > 0 order by 4 desc, 1, 2, 3"#,
        period.from,
        period.to,
        simulated
    )
    .fetch_all(pool)
    .await
}

/// Counts the events for the ten most common values of each facet, most common first: the hourly counts plus the events that have not been
/// counted yet.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count_by_facet(
    pool: &PgPool,
    period: &Period,
    simulated: Option<bool>,
) -> Result<Vec<FacetCount>, sqlx::Error> {
    sqlx::query_as!(
        FacetCount,
        r#"with counted as (
             select facet, name, kind, sum(count)::bigint as count from (
               select facet, name, kind, count from event_facets
               where hour >= $1 and hour < $2 and ($3::boolean is null or simulated = $3)
               union all
               select facet, name, kind, 1 from events_by_facet
               where received_at >= greatest($1, (select until from event_facets_until)) and received_at < $2
                 and ($3::boolean is null or simulated = $3)
             ) as both_parts group by facet, name, kind
           ), ranked as (
             select facet, name, row_number() over (partition by facet order by sum(count) desc, name) as place
             from counted group by facet, name
           )
           select facet as "facet!", name as "name!", kind as "kind!", count as "count!"
           from counted join ranked using (facet, name) where place <= 10 order by facet, place, kind"#,
        period.from,
        period.to,
        simulated
    )
    .fetch_all(pool)
    .await
}
