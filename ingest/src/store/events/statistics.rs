//! Reads event counts. Counts are kept after the events themselves are deleted.

use serde::Serialize;
use sqlx::{FromRow, PgPool};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

/// Hours older than this are merged into days in the counts of facets.
pub(crate) const FACETS_HOURLY_AGE: Duration = Duration::days(35);

/// A range of whole quarters of an hour; the end is exclusive.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Period {
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) to: OffsetDateTime,
}

/// Which events are counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) period: Period,
    /// Whether `period` and the buckets refer to the time at which events occurred, instead of the time of receipt.
    pub(crate) by_occurrence: bool,
    /// Only simulated events, or only real ones.
    pub(crate) simulated: Option<bool>,
}

/// The number of stored events of one kind with the same verdict in one bucket.
#[derive(FromRow)]
pub(crate) struct BucketCount {
    /// The position of the bucket, from 0.
    pub(crate) bucket: i32,
    pub(crate) kind: String,
    /// Empty for kinds without one, and for events without a verdict.
    pub(crate) reason_class: String,
    /// Empty for kinds without one, and for events without a verdict.
    pub(crate) actor: String,
    pub(crate) count: i64,
}

/// The number of stored events of one kind that share a facet value, such as a tag.
#[derive(FromRow)]
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

/// The starts of all buckets that overlap the period, and the end of the last one, in order. An hour is an hour on the clocks of the zone;
/// where the clocks are set back, the repeated part is a bucket of its own. Days, weeks and months begin at the first instant of the day on
/// these clocks.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn boundaries(
    pool: &PgPool,
    period: Period,
    step: &str,
    zone: &str,
) -> Result<Vec<OffsetDateTime>, sqlx::Error> {
    let starts = if step == "quarter" || step == "hour" {
        sqlx::query_scalar!(
            r#"select min(quarter) as "at!" from generate_series($1::timestamptz - interval '1 hour', $2::timestamptz + interval '1 hour',
                                                               interval '15 minutes') as quarter
               group by case when $3 = 'quarter' then quarter at time zone 'UTC' else date_trunc('hour', quarter at time zone $4) end,
                        (quarter at time zone $4) - (quarter at time zone 'UTC')
               order by 1"#,
            period.from,
            period.to,
            step,
            zone
        )
        .fetch_all(pool)
        .await?
    } else {
        // The calendar is walked without a zone, where every day has 24 hours. Each date then gets the first instant at which the clocks show
        // it: an offset changes by at most a few hours.
        sqlx::query_scalar!(
            r#"select distinct instant as "at!" from generate_series(
                 date_trunc($3, $1::timestamptz at time zone $4),
                 date_trunc($3, $2::timestamptz at time zone $4) + ('1 ' || $3)::interval,
                 ('1 ' || $3)::interval
               ) as date cross join lateral (
                 select min(instant) as instant
                 from generate_series((date at time zone $4) - interval '3 hours', (date at time zone $4) + interval '3 hours',
                                      interval '15 minutes') as instant
                 where instant at time zone $4 >= date
               ) as first
               where instant is not null order by 1"#,
            period.from,
            period.to,
            step,
            zone
        )
        .fetch_all(pool)
        .await?
    };
    let first = starts.partition_point(|start| *start <= period.from).saturating_sub(1);
    let last = starts.partition_point(|start| *start < period.to);
    Ok(starts.get(first..=last.min(starts.len().saturating_sub(1))).unwrap_or_default().to_vec())
}

/// Counts events by bucket, kind and verdict: the counts by quarter of an hour, the deltas that have not been merged into them yet, and the
/// hourly counts of version 0.2.0, which only know the time of receipt. `starts` are the starts of the buckets.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count_by_bucket(
    pool: &PgPool,
    counted: Counted,
    starts: &[OffsetDateTime],
) -> Result<Vec<BucketCount>, sqlx::Error> {
    sqlx::query_as!(
        BucketCount,
        r#"select width_bucket(moment, $5::timestamptz[]) - 1 as "bucket!", kind as "kind!", reason_class as "reason_class!",
                  actor as "actor!", sum(count)::bigint as "count!" from (
             select case when $4 then occurred else at end as moment, kind, reason_class, actor, count from event_tallies
             where outcome = 'stored' and ($3::boolean is null or simulated = $3)
               and ((not $4 and at >= $1 and at < $2) or ($4 and occurred >= $1 and occurred < $2))
             union all
             select case when $4 then occurred else quarter_hour(at) end, kind, reason_class, actor, count from event_tally_deltas
             where outcome = 'stored' and ($3::boolean is null or simulated = $3)
               and ((not $4 and at >= $1 and at < $2) or ($4 and occurred >= $1 and occurred < $2))
             union all
             select hour, kind, '', '', count from event_counts
             where outcome = 'stored' and hour >= $1 and hour < $2 and ($3::boolean is null or simulated = $3)
             union all
             select date_trunc('hour', at), kind, '', '', count from event_count_deltas
             where outcome = 'stored' and date_trunc('hour', at) >= $1 and date_trunc('hour', at) < $2
               and ($3::boolean is null or simulated = $3)
           ) as moments
           group by 1, 2, 3, 4 having sum(count) > 0 order by 1, 2, 3, 4"#,
        counted.period.from,
        counted.period.to,
        counted.simulated,
        counted.by_occurrence,
        starts
    )
    .fetch_all(pool)
    .await
}

/// The end of the newest hour in the period that is only counted by the hour of receipt; `None` if all counts are exact.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn hourly_until(pool: &PgPool, period: Period) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    sqlx::query_scalar!(
        "select max(hour) + interval '1 hour' from event_counts where outcome = 'stored' and hour > $1::timestamptz - interval '1 hour' and hour < $2",
        period.from,
        period.to
    )
    .fetch_one(pool)
    .await
}

/// The quarter of an hour of the oldest opens and clicks that are counted; `None` if there are none.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn first_counted(pool: &PgPool) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    sqlx::query_scalar!(
        "select least((select min(at) from event_tallies where outcome = 'stored' and kind in ('open', 'click')),
                      (select min(hour) from event_counts where outcome = 'stored' and kind in ('open', 'click')))"
    )
    .fetch_one(pool)
    .await
}

/// Whether the events of a period are still stored, given when the oldest one was received and when the oldest counted one was. Counts outlive
/// the events; they are by quarter of an hour, or by hour.
pub(crate) fn is_stored(period: Period, oldest: Option<OffsetDateTime>, first_counted: Option<OffsetDateTime>) -> bool {
    first_counted.is_none_or(|first| oldest.is_some_and(|oldest| first >= oldest - Duration::HOUR || period.from >= oldest))
}

/// When the oldest stored event was received; `None` if there is none.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn oldest_event(pool: &PgPool) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    sqlx::query_scalar!("select received_at from events order by received_at limit 1").fetch_optional(pool).await
}

/// Counts the events for the ten most common values of each facet, most common first, by the time of receipt. The hours in `hours` come
/// from the hourly counts, and the edges of the period around them from the events themselves.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count_by_facet(
    pool: &PgPool,
    period: Period,
    hours: Period,
    simulated: Option<bool>,
) -> Result<Vec<FacetCount>, sqlx::Error> {
    sqlx::query_as!(
        FacetCount,
        r#"with counted as (
             select facet, name, kind, sum(count)::bigint as count from (
               select facet, name, kind, count from event_facets
               where hour >= $3 and hour < $4 and ($5::boolean is null or simulated = $5)
               union all
               select facet, name, kind, 1 from events_by_facet
               where received_at >= $1 and received_at < least($2, $3) and ($5::boolean is null or simulated = $5)
               union all
               select facet, name, kind, 1 from events_by_facet
               where received_at >= greatest($1, $4) and received_at < $2 and ($5::boolean is null or simulated = $5)
             ) as parts group by facet, name, kind
           ), ranked as (
             select facet, name, row_number() over (partition by facet order by sum(count) desc, name) as place
             from counted group by facet, name
           )
           select facet as "facet!", name as "name!", kind as "kind!", count as "count!"
           from counted join ranked using (facet, name) where place <= 10 order by facet, place, kind"#,
        period.from,
        period.to,
        hours.from,
        hours.to,
        simulated
    )
    .fetch_all(pool)
    .await
}

/// How far the hourly counts of facets reach.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn facets_until(pool: &PgPool) -> Result<OffsetDateTime, sqlx::Error> {
    sqlx::query_scalar!("select until from event_facets_until").fetch_one(pool).await
}
