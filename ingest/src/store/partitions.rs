//! Partitions of `events`, one per month, created in advance so that an insert always finds the partition for its month.

use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use time::{Date, Month, OffsetDateTime};

/// Number of months for which partitions are created in advance.
const AHEAD: i32 = 3;
/// The advisory lock for creating partitions.
const LOCK: i64 = 0x6d6c_7061_7274;
/// Rows of up to this many bytes (a third of a page) are not compressed. By default, Postgres compresses rows larger than a quarter of a
/// page. Most opens and clicks are slightly larger than that; compressing them used 10% of the CPU time and saved little space.
const TOAST_TUPLE_TARGET: u32 = 2700;

/// Creates any missing partitions for this month and the following ones. It does not block inserts, because each table is created
/// separately and then attached. Months are based on the database clock, which also sets `received_at`.
///
/// # Errors
/// Returns an error if Postgres fails.
pub async fn create_ahead(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(&mut *transaction).await?;
    let now = sqlx::query_scalar!(r#"select now() as "now!""#).fetch_one(&mut *transaction).await?;
    for ahead in 0..=AHEAD {
        let (from, to) = (month(now, ahead), month(now, ahead + 1));
        let name = format!("events_{}_{:02}", from.year(), u8::from(from.month()));
        let exists = sqlx::query_scalar!(r#"select to_regclass($1) is not null as "exists!""#, name);
        if exists.fetch_one(&mut *transaction).await? {
            continue;
        }
        // The name and bounds are computed from dates; the statement contains no external input.
        let create = format!(
            "create table {name} (like events including defaults including constraints) with (toast_tuple_target = {TOAST_TUPLE_TARGET})"
        );
        sqlx::query(AssertSqlSafe(create)).execute(&mut *transaction).await?;
        let attach =
            format!("alter table events attach partition {name} for values from ('{from} 00:00+00') to ('{to} 00:00+00')");
        sqlx::query(AssertSqlSafe(attach)).execute(&mut *transaction).await?;
        tracing::info!(partition = name, "created a partition");
    }
    transaction.commit().await
}

/// Takes the lock on this month's partition that an insert takes, if the partition exists.
///
/// # Errors
/// Returns an error if Postgres fails or the partition stays locked.
pub(crate) async fn lock_current_for_insert(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let current = sqlx::query_scalar!("select to_regclass('events_' || to_char(now(), 'YYYY_MM'))::text");
    if let Some(name) = current.fetch_one(&mut *connection).await? {
        // The name comes from the catalog.
        sqlx::query(AssertSqlSafe(format!("lock table {name} in row exclusive mode"))).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A partition of `events`, covering one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// `events_YYYY_MM`.
    pub name: String,
    /// The start of the next month.
    pub until: OffsetDateTime,
    /// False if retention has detached the partition but not dropped it yet.
    pub attached: bool,
    /// True if a detach was interrupted.
    pub detaching: bool,
}

/// All partitions, oldest first, including detached ones.
///
/// # Errors
/// Returns an error if Postgres fails.
pub async fn all(pool: &PgPool) -> Result<Vec<Partition>, sqlx::Error> {
    let tables = sqlx::query!(
        r#"select relname::text as "name!", inhparent is not null as "attached!", coalesce(inhdetachpending, false) as "detaching!"
           from pg_class left join pg_inherits on inhrelid = pg_class.oid and inhparent = 'events'::regclass
           where relkind = 'r' and relnamespace = (select relnamespace from pg_class where oid = 'events'::regclass)
             and relname ~ '^events_[0-9]{4}_[0-9]{2}$'
           order by relname"#
    );
    let read = tables.fetch_all(pool).await?.into_iter().filter_map(|table| {
        let (year, number) = table.name.strip_prefix("events_")?.split_once('_')?;
        let first = Date::from_calendar_date(year.parse().ok()?, Month::try_from(number.parse::<u8>().ok()?).ok()?, 1).ok()?;
        let until = month(first.midnight().assume_utc(), 1).midnight().assume_utc();
        Some(Partition { name: table.name, until, attached: table.attached, detaching: table.detaching })
    });
    Ok(read.collect())
}

/// The first day of the month `ahead` months after `now`.
fn month(now: OffsetDateTime, ahead: i32) -> Date {
    let months = now.year() * 12 + i32::from(u8::from(now.month())) - 1 + ahead;
    let month = u8::try_from(months.rem_euclid(12) + 1).ok().and_then(|month| Month::try_from(month).ok());
    Date::from_calendar_date(months.div_euclid(12), month.unwrap_or(Month::January), 1).unwrap_or(Date::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn months_go_over_the_year() {
        let now = datetime!(2026-11-30 23:59:59 UTC);
        let months: Vec<String> = (0..=3).map(|ahead| month(now, ahead).to_string()).collect();
        assert_eq!(months, ["2026-11-01", "2026-12-01", "2027-01-01", "2027-02-01"]);
    }
}
