//! Retention drops whole partitions of expired events. Counts are kept, and keys are kept longer than their events.
//!
//! It deletes no rows from `events` and takes no lock that blocks inserts: a partition is detached concurrently and then dropped. An
//! advisory lock ensures that only one process runs it at a time.

mod keys;
mod notifications;
mod partitions;

use shared::config::Count;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnection;
use sqlx::{PgPool, Postgres};

use crate::archive::error::ArchiveError;
use crate::archive::storage::Storage;
use crate::periodic::archive::save;
pub(crate) use crate::periodic::retention::partitions::{detach_and_drop, expired as expired_partitions};

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
#[derive(Debug, Default)]
pub struct RetentionReport {
    /// Names of the dropped partitions.
    pub partitions: Vec<String>,
    /// The partition that could not be archived and was kept, and why. Nothing newer was dropped.
    pub kept: Option<Kept>,
    /// Number of deleted keys.
    pub keys: u64,
    /// Number of deleted notifications.
    pub notifications: u64,
}

/// A partition that could not be archived.
#[derive(Debug, thiserror::Error)]
#[error("{partition} was not archived and is kept, because {reason}")]
pub struct Kept {
    pub partition: String,
    pub reason: ArchiveError,
}

/// Archives the partitions that ended at least `days` ago in `storage`, if there is one, drops them, and deletes expired keys and notifications.
/// Returns `None` if another process holds the lock.
///
/// # Errors
/// When Postgres fails. The next run picks up where this one stopped.
pub async fn apply(pool: &PgPool, storage: Option<&Storage>, days: u32) -> Result<Option<RetentionReport>, sqlx::Error> {
    let Some(mut lock) = Lock::take(pool).await? else { return Ok(None) };
    let report = apply_locked(pool, lock.connection(), storage, days).await;
    lock.release().await?;
    report.map(Some)
}

async fn apply_locked(
    pool: &PgPool,
    connection: &mut PgConnection,
    storage: Option<&Storage>,
    days: u32,
) -> Result<RetentionReport, sqlx::Error> {
    let mut report = RetentionReport::default();
    for mut partition in partitions::expired(pool, days).await? {
        if let Some(storage) = storage {
            partitions::reattach_unarchived(pool, connection, &mut partition).await?;
            if let Err(error) = save::save(pool, storage, &partition).await {
                report.kept = Some(Kept { partition: partition.name, reason: error });
                break;
            }
        }
        partitions::detach_and_drop(connection, &partition).await?;
        tracing::info!(partition = partition.name, "dropped an expired partition");
        report.partitions.push(partition.name);
    }
    report.keys = keys::delete_expired(pool).await?;
    report.notifications = notifications::delete_expired(pool, days).await?;
    Ok(report)
}

/// The lock of whoever drops, restores or rewrites archived events: only one process does so at a time.
pub(crate) struct Lock(PoolConnection<Postgres>);

impl Lock {
    /// Takes the lock. `None` if another process holds it.
    pub(crate) async fn take(pool: &PgPool) -> Result<Option<Self>, sqlx::Error> {
        // This is a session-level lock, because a detach cannot run inside a transaction.
        let mut connection = pool.acquire().await?;
        let locked = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "locked!""#, LOCK);
        let is_locked = locked.fetch_one(&mut *connection).await?;
        // A task that is cancelled loses the lock with the connection.
        connection.close_on_drop();
        Ok(is_locked.then_some(Self(connection)))
    }

    /// The connection that holds the lock.
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.0
    }

    /// Releases the lock.
    pub(crate) async fn release(mut self) -> Result<(), sqlx::Error> {
        sqlx::query!("select pg_advisory_unlock($1)", LOCK).fetch_one(&mut *self.0).await.map(|_| ())
    }
}
