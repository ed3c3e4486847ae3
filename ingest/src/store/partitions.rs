//! Partitions of `events`, one per month, created in advance so that an insert always finds the partition for its month.

use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use time::{Date, Month, OffsetDateTime};

/// Creates any missing partitions for this month and the following ones, with the rights of the owner of the tables. Months are based on the
/// database clock, which also sets `received_at`.
///
/// # Errors
/// Returns an error if Postgres fails.
pub async fn create_ahead(pool: &PgPool) -> Result<(), sqlx::Error> {
    let created = sqlx::query_scalar!(r#"select create_event_partitions() as "partition!""#).fetch_all(pool).await?;
    for partition in created {
        tracing::info!(partition, "created a partition");
    }
    Ok(())
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
        let until = next_month(first).midnight().assume_utc();
        Some(Partition { name: table.name, until, attached: table.attached, detaching: table.detaching })
    });
    Ok(read.collect())
}

/// The first day of the month after that of `first`.
fn next_month(first: Date) -> Date {
    let (year, month) = (first.year(), first.month());
    let year = if month == Month::December { year + 1 } else { year };
    Date::from_calendar_date(year, month.next(), 1).unwrap_or(Date::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn months_go_over_the_year() {
        assert_eq!(next_month(date!(2026 - 11 - 01)), date!(2026 - 12 - 01));
        assert_eq!(next_month(date!(2026 - 12 - 01)), date!(2027 - 01 - 01));
    }
}
