//! The counts in `event_tallies`: their aggregation, changes by verdicts, and the replacement of the version before's hourly counts.

use sqlx::postgres::PgConnection;
use time::OffsetDateTime;

/// Key of the advisory lock that aggregation and replacement share. The value is arbitrary, but no other lock uses it.
const LOCK: i64 = 0x6d6c_7461_6c6c;

/// Locks the counts until the transaction ends. Returns false if another replica has locked them.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn try_lock(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "locked!""#, LOCK).fetch_one(connection).await
}

/// Moves the counts that commits have appended into one row per quarter of an hour.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn fold(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with gone as (delete from event_tally_deltas returning *)
         insert into event_tallies (at, occurred, webhook, simulated, kind, outcome, reason_class, actor, count, last_at)
         select quarter_hour(at), occurred, webhook, simulated, kind, outcome, reason_class, actor, sum(count), max(at)
         from gone group by 1, 2, 3, 4, 5, 6, 7, 8
         on conflict on constraint event_tallies_pkey do update
         set count = event_tallies.count + excluded.count, last_at = greatest(event_tallies.last_at, excluded.last_at)"
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves the counts that replicas of the version before have appended into one row per hour, as they do.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn fold_hourly(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with gone as (delete from event_count_deltas returning *)
         insert into event_counts (hour, webhook, simulated, kind, outcome, count, last_at)
         select date_trunc('hour', at), webhook, simulated, kind, outcome, sum(count), max(at)
         from gone group by 1, 2, 3, 4, 5
         on conflict on constraint event_counts_pkey
         do update set count = event_counts.count + excluded.count, last_at = greatest(event_counts.last_at, excluded.last_at)"
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The oldest hour after `after` with hourly counts whose events are still stored, and whose commits have all ended.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn next_hourly(
    connection: &mut PgConnection,
    after: OffsetDateTime,
) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    sqlx::query_scalar!(
        "select min(hour) from event_counts
         where outcome = 'stored' and hour > $1 and hour < date_trunc('hour', now() - interval '10 minutes')
           and hour >= (select date_trunc('hour', received_at) from events order by received_at limit 1)",
        after
    )
    .fetch_one(connection)
    .await
}

/// Counts the stored events of an hour again, by quarter of an hour, and removes their hourly counts. Requires the lock.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn recount_hour(connection: &mut PgConnection, hour: OffsetDateTime) -> Result<(), sqlx::Error> {
    // One statement, and so one snapshot: a verdict that changes meanwhile is counted by its own delta.
    sqlx::query!(
        "with hourly as (
           delete from event_counts where outcome = 'stored' and hour = $1
         ), hourly_deltas as (
           delete from event_count_deltas where outcome = 'stored' and at >= $1 and at < $1 + interval '1 hour'
         ), deltas as (
           delete from event_tally_deltas where outcome = 'stored' and at >= $1 and at < $1 + interval '1 hour'
         ), counted as (
           select quarter_hour(received_at) as at, quarter_hour(occurred_at) as occurred, coalesce(webhook, '') as webhook, simulated,
                  kind, 'stored' as outcome, coalesce(reason_class, '') as reason_class, coalesce(actor, '') as actor,
                  count(*) as count, max(received_at) as last_at
           from events where received_at >= $1 and received_at < $1 + interval '1 hour' group by 1, 2, 3, 4, 5, 6, 7, 8
         ), outdated as (
           delete from event_tallies where outcome = 'stored' and at >= $1 and at < $1 + interval '1 hour'
             and (at, occurred, webhook, simulated, kind, outcome, reason_class, actor)
                 not in (select at, occurred, webhook, simulated, kind, outcome, reason_class, actor from counted)
         )
         insert into event_tallies (at, occurred, webhook, simulated, kind, outcome, reason_class, actor, count, last_at)
         select at, occurred, webhook, simulated, kind, outcome, reason_class, actor, count, last_at from counted
         on conflict on constraint event_tallies_pkey do update set count = excluded.count, last_at = excluded.last_at",
        hour
    )
    .execute(connection)
    .await?;
    Ok(())
}
