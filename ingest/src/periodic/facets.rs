//! Counting finished hours by domain, tag, template and bounce, so that a year's statistics do not read a year's events.

use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

/// Names our advisory lock; any number that nobody else uses will do.
const LOCK: i64 = 0x6d6c_6661_6374;
/// An hour is finished so long after its end: no commit takes longer.
const LATEST: Duration = Duration::minutes(10);
/// Hours counted in one transaction.
const AT_ONCE: Duration = Duration::hours(24);
/// Hours older than this are folded into days.
const HOURLY: Duration = Duration::days(35);

/// Counts every hour that is finished and not yet counted, and folds old hours into days.
///
/// # Errors
/// When Postgres fails; the next run goes on where this one stopped.
pub(crate) async fn count(pool: &PgPool) -> Result<(), sqlx::Error> {
    while count_some(pool).await? {}
    Ok(())
}

/// False when nothing is left to count, or another replica is at it.
async fn count_some(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let locked = sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "locked!""#, LOCK);
    if !locked.fetch_one(&mut *transaction).await? {
        return Ok(false);
    }
    let times = sqlx::query!(r#"select until, now() as "now!" from event_facets_until"#).fetch_one(&mut *transaction).await?;
    let until = hour(times.now - LATEST).min(times.until + AT_ONCE);
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
    fold(&mut transaction, day(times.now - HOURLY)).await?;
    transaction.commit().await?;
    Ok(true)
}

async fn fold(transaction: &mut sqlx::PgConnection, before: OffsetDateTime) -> Result<(), sqlx::Error> {
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
    .execute(transaction)
    .await?;
    Ok(())
}

fn hour(at: OffsetDateTime) -> OffsetDateTime {
    at - Duration::seconds(at.unix_timestamp().rem_euclid(3_600)) - Duration::nanoseconds(at.nanosecond().into())
}

fn day(at: OffsetDateTime) -> OffsetDateTime {
    at.date().midnight().assume_utc()
}
