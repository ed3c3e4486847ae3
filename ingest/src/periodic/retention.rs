//! Retention drops whole partitions of expired events. Counts are kept, and keys are kept longer than their events.
//!
//! It deletes no rows from `events` and takes no lock that blocks inserts: a partition is detached concurrently and then dropped. An
//! advisory lock ensures that only one process runs it at a time.

mod keys;
mod notifications;
mod partitions;

use shared::config::Count;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;

pub(crate) use crate::periodic::retention::partitions::expired as expired_partitions;

/// Key of the advisory lock. The value is arbitrary, but no other lock uses it.
const LOCK: i64 = 0x6d6c_6b65_6570;

/// How long events are kept.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Retention")]
pub struct RetentionArgs {
    /// Days after the end of a partition (PARTITIONS: a day, week or month) when its events are dropped as a whole. Unset: all events are kept.
    #[arg(long, env = "RETENTION_DAYS", default_value = "")]
    pub retention_days: Count,
}

/// The result of one run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RetentionReport {
    /// Names of the dropped partitions.
    pub partitions: Vec<String>,
    /// Number of deleted keys.
    pub keys: u64,
    /// Number of deleted notifications.
    pub notifications: u64,
}

/// Drops the partitions that ended at least `days` ago, and deletes expired keys and notifications. Returns `None` if another process
/// is already running retention.
///
/// # Errors
/// When Postgres fails. The next run picks up where this one stopped.
pub async fn apply(pool: &PgPool, days: u32) -> Result<Option<RetentionReport>, sqlx::Error> {
    // This is a session-level lock, because a detach cannot run inside a transaction.
    let mut connection = pool.acquire().await?;
    let locked = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "locked!""#, LOCK);
    if !locked.fetch_one(&mut *connection).await? {
        return Ok(None);
    }
    let report = apply_locked(pool, &mut connection, days).await;
    sqlx::query!("select pg_advisory_unlock($1)", LOCK).fetch_one(&mut *connection).await?;
    report.map(Some)
}

async fn apply_locked(pool: &PgPool, connection: &mut PgConnection, days: u32) -> Result<RetentionReport, sqlx::Error> {
    let mut report = RetentionReport::default();
    for partition in partitions::expired(pool, days).await? {
        partitions::detach_and_drop(connection, &partition).await?;
        tracing::info!(partition = partition.name, "dropped an expired partition");
        report.partitions.push(partition.name);
    }
    report.keys = keys::delete_expired(pool).await?;
    report.notifications = notifications::delete_expired(pool, days).await?;
    Ok(report)
}
