//! Aggregates completed hours by domain, tag, template and bounce, so that statistics for a year do not have to read a year of events.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::store::events::statistics::FACETS_HOURLY_AGE;
use crate::store::facets;

/// An hour is considered complete once this much time has passed since its end. No commit takes longer than this.
const COMMIT_GRACE: Duration = Duration::minutes(10);
/// Maximum time range counted in one transaction.
const MAX_RANGE: Duration = Duration::hours(24);

/// Counts every completed hour that has not been counted yet, and folds old hours into days.
///
/// # Errors
/// When Postgres fails. The next run picks up where this one stopped.
pub(crate) async fn count_finished_hours(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut has_new = false;
    while count_next_range(pool).await? {
        has_new = true;
    }
    if has_new {
        refresh_recent_values(pool).await?;
    }
    Ok(())
}

/// The oldest day after `after` that was counted before bounce texts got their present form, and whose events are still stored.
///
/// # Errors
/// When Postgres fails.
pub(crate) async fn next_outdated_day(
    connection: &mut PgConnection,
    after: OffsetDateTime,
) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    sqlx::query_scalar!(
        "select date_trunc('day', min(hour), 'UTC') from event_facets
         where hour >= $1::timestamptz + interval '1 day'
           and hour >= (select date_trunc('day', received_at, 'UTC') from events order by received_at limit 1)
           and hour < (select outdated_until from event_facets_until)",
        after
    )
    .fetch_one(connection)
    .await
}

/// Counts the hours of a day again, as far as they have been counted. Requires the lock.
///
/// # Errors
/// When Postgres fails.
pub(crate) async fn recount_day(connection: &mut PgConnection, day: OffsetDateTime) -> Result<(), sqlx::Error> {
    let merged_before = start_of_day(OffsetDateTime::now_utc() - FACETS_HOURLY_AGE);
    let unit = if day < merged_before { "day" } else { "hour" };
    // One statement, and so one snapshot: if the events have just been dropped, their counts stay.
    sqlx::query!(
        "with counted as (
           select date_trunc($2, received_at, 'UTC') as hour, facet, name, kind, simulated, count(*) as count from events_by_facet
           where received_at >= $1 and received_at < least($1::timestamptz + interval '1 day', (select until from event_facets_until))
           group by 1, 2, 3, 4, 5
         ), outdated as (
           delete from event_facets where hour >= $1 and hour < $1::timestamptz + interval '1 day'
             and exists (select from events where received_at >= $1 and received_at < $1::timestamptz + interval '1 day')
             and (hour, facet, name, kind, simulated) not in (select hour, facet, name, kind, simulated from counted)
         )
         insert into event_facets (hour, facet, name, kind, simulated, count)
         select hour, facet, name, kind, simulated, count from counted
         on conflict on constraint event_facets_pkey do update set count = excluded.count",
        day,
        unit
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Returns false if there is nothing left to count.
async fn count_next_range(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    // The background job that counts days again holds the lock only for a moment. Without waiting, these hours would have to wait for the
    // next upkeep.
    facets::lock(&mut transaction).await?;
    let times = sqlx::query!(r#"select until, now() as "now!" from event_facets_until"#).fetch_one(&mut *transaction).await?;
    let until = start_of_hour(times.now - COMMIT_GRACE).min(times.until + MAX_RANGE);
    if until <= times.until {
        return Ok(false);
    }
    sqlx::query!(
        "insert into event_facets (hour, facet, name, kind, simulated, count)
         select date_trunc('hour', received_at), facet, name, kind, simulated, count(*) from events_by_facet
         where received_at >= $1 and received_at < $2 group by 1, 2, 3, 4, 5
         on conflict on constraint event_facets_pkey do update set count = event_facets.count + excluded.count",
        times.until,
        until
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!("update event_facets_until set until = $1", until).execute(&mut *transaction).await?;
    fold_into_days(&mut transaction, start_of_day(times.now - FACETS_HOURLY_AGE)).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Counts the values that filters suggest. Readers see the former counts until this has finished.
async fn refresh_recent_values(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!("select refresh_recent_values() as done").execute(pool).await?;
    Ok(())
}

async fn fold_into_days(connection: &mut PgConnection, before: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with hours as (
           delete from event_facets where hour < $1 and hour <> date_trunc('day', hour, 'UTC')
           returning hour, facet, name, kind, simulated, count
         )
         insert into event_facets (hour, facet, name, kind, simulated, count)
         select date_trunc('day', hour, 'UTC'), facet, name, kind, simulated, sum(count) from hours group by 1, 2, 3, 4, 5
         on conflict on constraint event_facets_pkey do update set count = event_facets.count + excluded.count",
        before
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn start_of_hour(at: OffsetDateTime) -> OffsetDateTime {
    at - Duration::seconds(at.unix_timestamp().rem_euclid(3_600)) - Duration::nanoseconds(at.nanosecond().into())
}

fn start_of_day(at: OffsetDateTime) -> OffsetDateTime {
    at.date().midnight().assume_utc()
}
