//! Partitions of `events`, created in advance so that an insert always finds the partition for its day.

use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, PgPool};
use time::{Date, Month, OffsetDateTime, Weekday};

use super::time_limit;

/// What a partition covers, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PartitionWidth {
    Day,
    /// From Monday to Sunday.
    Week,
    Month,
}

/// Sets what new partitions cover. Empty partitions that lie ahead are replaced.
///
/// # Errors
/// Returns an error if Postgres fails or `events` stays locked for 200 ms. Nothing is changed in that case.
pub async fn set_width(pool: &PgPool, width: PartitionWidth) -> Result<(), sqlx::Error> {
    let name = match width {
        PartitionWidth::Day => "day",
        PartitionWidth::Week => "week",
        PartitionWidth::Month => "month",
    };
    let changed = sqlx::query_scalar!(r#"select set_event_partition_width($1) as "changed!""#, name);
    if changed.fetch_one(pool).await? {
        tracing::info!(width = name, "changed what partitions cover");
    }
    Ok(())
}

/// Creates any missing partitions for today and the next weeks or months, with the rights of the owner of the tables. Days are based on the
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

/// Those of these days whose events cannot be stored any more, because retention has archived or dropped days that are as late. If `wanted`,
/// creates the missing partitions of all others.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn past(executor: impl PgExecutor<'_>, days: &[Date], wanted: bool) -> Result<Vec<Date>, sqlx::Error> {
    sqlx::query_scalar!(r#"select past_event_partitions($1, $2) as "day!""#, days, wanted).fetch_all(executor).await
}

/// Takes the lock on today's partition that an insert takes, if the partition exists.
///
/// # Errors
/// Returns an error if Postgres fails or the partition stays locked.
pub(crate) async fn lock_current_for_insert(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let current = sqlx::query_scalar!(
        r#"select coalesce(to_regclass('events_' || to_char(today, 'YYYY_MM_DD')), to_regclass('events_' || to_char(today, 'IYYY_"w"IW')),
                           to_regclass('events_' || to_char(today, 'YYYY_MM')))::text as name
           from (select now() at time zone 'UTC' as today) as clock"#
    );
    if let Some(name) = current.fetch_one(&mut *connection).await? {
        // The name comes from the catalog.
        sqlx::query(AssertSqlSafe(format!("lock table {name} in row exclusive mode"))).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A partition of `events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// `events_YYYY_MM_DD`, `events_YYYY_wWW` (ISO 8601) or `events_YYYY_MM`.
    pub name: String,
    /// The start of its first day.
    pub first: OffsetDateTime,
    /// The start of the day after its last one.
    pub until: OffsetDateTime,
    /// False if retention has detached the partition but not dropped it yet.
    pub attached: bool,
    /// True if a detach was interrupted.
    pub detaching: bool,
}

/// Makes a table a partition of `events`. Its indexes are built, so it takes as long as it takes.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn attach(
    transaction: &mut PgConnection,
    name: &str,
    first: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    time_limit::lift(transaction).await?;
    let (first, until) = (first.date(), until.date());
    let attach =
        format!("alter table events attach partition {name} for values from ('{first} 00:00+00') to ('{until} 00:00+00')");
    sqlx::query(AssertSqlSafe(attach)).execute(transaction).await?;
    Ok(())
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
             and relname ~ '^events_[0-9]{4}_'"#
    );
    let read = tables.fetch_all(pool).await?.into_iter().filter_map(|table| {
        let (first, until) = range_of(&table.name)?;
        let (first, until) = (first.midnight().assume_utc(), until.midnight().assume_utc());
        Some(Partition { name: table.name, first, until, attached: table.attached, detaching: table.detaching })
    });
    let mut partitions: Vec<Partition> = read.collect();
    partitions.sort_unstable_by_key(|partition| partition.until);
    Ok(partitions)
}

/// The days that a partition covers: the first, and the one after the last. `None` if its name is none of a partition.
fn range_of(name: &str) -> Option<(Date, Date)> {
    let mut parts = name.strip_prefix("events_")?.split('_');
    let (year, part, day) = (parts.next()?.parse().ok()?, parts.next()?, parts.next());
    if parts.next().is_some() {
        return None;
    }
    if let Some(week) = part.strip_prefix('w') {
        let monday = Date::from_iso_week_date(year, week.parse().ok()?, Weekday::Monday).ok()?;
        return if day.is_none() { Some((monday, monday.checked_add(time::Duration::WEEK)?)) } else { None };
    }
    let month = Month::try_from(part.parse::<u8>().ok()?).ok()?;
    let (first, last) = match day {
        Some(day) => (day.parse().ok()?, day.parse().ok()?),
        None => (1, month.length(year)),
    };
    Some((Date::from_calendar_date(year, month, first).ok()?, Date::from_calendar_date(year, month, last).ok()?.next_day()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn names_tell_what_partitions_cover() {
        assert_eq!(range_of("events_2026_11"), Some((date!(2026 - 11 - 01), date!(2026 - 12 - 01))));
        assert_eq!(range_of("events_2026_12"), Some((date!(2026 - 12 - 01), date!(2027 - 01 - 01))));
        assert_eq!(range_of("events_2026_w53"), Some((date!(2026 - 12 - 28), date!(2027 - 01 - 04))));
        assert_eq!(range_of("events_2027_w01"), Some((date!(2027 - 01 - 04), date!(2027 - 01 - 11))));
        assert_eq!(range_of("events_2028_02_29"), Some((date!(2028 - 02 - 29), date!(2028 - 03 - 01))));
        for other in [
            "events",
            "events_2026",
            "events_2026_13",
            "events_2026_w54",
            "events_2026_w01_1",
            "events_2026_02_30",
            "events_2026_01_01_1",
        ] {
            assert_eq!(range_of(other), None, "{other}");
        }
    }
}
