//! The counts in `event_facets`: their lock, and adding events that are filed in hours which are counted already.

use sqlx::postgres::PgConnection;
use time::OffsetDateTime;

use super::row::Row;

/// Key of the advisory lock. The value is arbitrary, but no other lock uses it.
const LOCK: i64 = 0x6d6c_6661_6374;

/// Locks the counts until the transaction ends, once whoever has locked them is done.
///
/// # Errors
/// Returns an error if Postgres fails, or the counts stay locked.
pub(crate) async fn lock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(connection).await?;
    Ok(())
}

/// Locks the counts until the transaction ends. Returns false if they are locked already.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn try_lock(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "locked!""#, LOCK).fetch_one(connection).await
}

/// Counts those of the events just stored whose hours are counted already. All others are counted with their hours.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(super) async fn count_filed(connection: &mut PgConnection, rows: &[Row<'_>]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let (received, ids): (Vec<OffsetDateTime>, Vec<i64>) = rows.iter().map(|row| (row.received_at, row.id)).unzip();
    // Whoever counts hours waits, and so finds neither too many nor too few of these events.
    sqlx::query!("select pg_advisory_xact_lock_shared($1)", LOCK).execute(&mut *connection).await?;
    sqlx::query!(
        "insert into event_facets (hour, facet, name, kind, simulated, count)
         select date_trunc('hour', received_at, 'UTC'), facet, name, kind, simulated, count(*)
         from events join unnest($1::timestamptz[], $2::bigint[]) as filed (received_at, id) using (received_at, id)
           cross join lateral facets_of(kind, recipient, sender, tags, template, subaccount, diagnostic)
         where received_at < (select until from event_facets_until)
         group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
         on conflict on constraint event_facets_pkey do update set count = event_facets.count + excluded.count",
        &received,
        &ids
    )
    .execute(connection)
    .await?;
    Ok(())
}
