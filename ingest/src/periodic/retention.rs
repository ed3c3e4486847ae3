//! Keeping no more than is wanted: whole months are dropped, what was counted stays, and keys outlive their events.
//!
//! Nothing here deletes rows of `events` or holds a lock that an insert would wait for: a month is detached concurrently, and
//! only then dropped. One replica at a time does it, under an advisory lock.

use std::io::Write;

use shared::config::Count;
use shared::db;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgPool, Postgres};
use time::OffsetDateTime;

use crate::config::Retention;
use crate::store::partitions::{self, Partition};

/// Names our advisory lock; any number that nobody else uses will do.
const LOCK: i64 = 0x6d6c_6b65_6570;
/// Rows deleted in one transaction, of tables other than `events`.
const CHUNK: i64 = 5_000;

/// What was done, or would be.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Months dropped, by the names of their partitions.
    pub dropped: Vec<String>,
    /// Keys forgotten.
    pub keys: u64,
    /// Notifications deleted.
    pub notifications: u64,
}

/// `ingest retention`: drops now what is due, or says what would be dropped.
///
/// # Errors
/// When Postgres is away or fails.
pub async fn run(config: &Retention) -> anyhow::Result<()> {
    let pool = db::pool(&config.database, "ingest-retention", db::Purpose::Work)?;
    let mut out = std::io::stdout();
    let Some(days) = config.keep.retention_days.0 else {
        writeln!(out, "RETENTION_DAYS is not set: everything is kept")?;
        return Ok(());
    };
    if config.dry_run {
        for partition in due(&pool, days).await? {
            writeln!(out, "would drop {}, everything received before {}", partition.name, partition.until.date())?;
        }
        return Ok(());
    }
    match keep(&pool, days).await? {
        Some(done) => {
            let dropped = if done.dropped.is_empty() { "no month".to_owned() } else { done.dropped.join(", ") };
            writeln!(out, "dropped {dropped}; forgot {} keys and {} notifications", done.keys, done.notifications)?;
        }
        None => writeln!(out, "another process is at it")?,
    }
    Ok(())
}

/// Drops the months that are older than so many days, and forgets what outlived those dropped a month ago. None when
/// another process is at it.
///
/// # Errors
/// When Postgres fails; the next run goes on where this one stopped.
pub async fn keep(pool: &PgPool, days: u32) -> Result<Option<Done>, sqlx::Error> {
    // The lock is the session's, so all of it goes over one connection: a detach cannot be part of a transaction.
    let mut connection = pool.acquire().await?;
    let locked = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "locked!""#, LOCK);
    if !locked.fetch_one(&mut *connection).await? {
        return Ok(None);
    }
    let done = drop_and_forget(pool, &mut connection, days).await;
    sqlx::query!("select pg_advisory_unlock($1)", LOCK).fetch_one(&mut *connection).await?;
    done.map(Some)
}

async fn drop_and_forget(pool: &PgPool, connection: &mut PoolConnection<Postgres>, days: u32) -> Result<Done, sqlx::Error> {
    let mut done = Done::default();
    for partition in due(pool, days).await? {
        retire(connection, &partition).await?;
        tracing::info!(partition = partition.name, "dropped a month");
        done.dropped.push(partition.name);
    }
    done.keys = forget_keys(pool).await?;
    done.notifications = forget_notifications(pool, days).await?;
    Ok(done)
}

/// The months that ended so many days ago, oldest first; by the database's clock.
async fn due(pool: &PgPool, days: u32) -> Result<Vec<Partition>, sqlx::Error> {
    let now: OffsetDateTime = sqlx::query_scalar!(r#"select now() as "now!""#).fetch_one(pool).await?;
    let mut partitions = partitions::all(pool).await?;
    partitions.retain(|partition| partition.until + time::Duration::days(days.into()) <= now);
    Ok(partitions)
}

/// Detaches and drops one month. Inserts and reads of other months go on: a detach waits for them, and they never for it.
async fn retire(connection: &mut PoolConnection<Postgres>, partition: &Partition) -> Result<(), sqlx::Error> {
    // The names come from the catalogue, and were checked to be of our own making.
    let name = &partition.name;
    if partition.attached {
        // What a crash left half detached is finished instead.
        let how = if partition.detaching { "finalize" } else { "concurrently" };
        let detach = format!("alter table events detach partition {name} {how}");
        sqlx::query(AssertSqlSafe(detach)).execute(&mut **connection).await?;
    }
    sqlx::query!(
        "insert into retired_partitions (name, until) values ($1, $2)
         on conflict on constraint retired_partitions_pkey
         do update set until = excluded.until, retired_at = now(), forgotten_at = null",
        name,
        partition.until
    )
    .execute(&mut **connection)
    .await?;
    sqlx::query(AssertSqlSafe(format!("drop table if exists {name}"))).execute(&mut **connection).await?;
    Ok(())
}

/// Keys of months that were dropped 30 days ago; a repeat that comes earlier is still known.
async fn forget_keys(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let retired = sqlx::query!(
        "select name, until from retired_partitions
         where forgotten_at is null and retired_at < now() - interval '30 days' order by until"
    );
    let mut forgotten = 0;
    for month in retired.fetch_all(pool).await? {
        loop {
            let chunk = sqlx::query!(
                "delete from event_keys where digest = any(array(select digest from event_keys where received_at < $1 limit $2))",
                month.until,
                CHUNK
            );
            let deleted = chunk.execute(pool).await?.rows_affected();
            forgotten += deleted;
            if deleted == 0 {
                break;
            }
        }
        sqlx::query!("update retired_partitions set forgotten_at = now() where name = $1", month.name).execute(pool).await?;
    }
    Ok(forgotten)
}

/// Notifications name people as events do, and go when those would. The oldest have the lowest ids.
async fn forget_notifications(pool: &PgPool, days: u32) -> Result<u64, sqlx::Error> {
    let mut forgotten = 0;
    loop {
        let chunk = sqlx::query!(
            "delete from notifications where id = any(array(select id from notifications order by id limit $2))
             and created_at < now() - make_interval(days => $1)",
            i32::try_from(days).unwrap_or(i32::MAX),
            CHUNK
        );
        let deleted = chunk.execute(pool).await?.rows_affected();
        forgotten += deleted;
        if deleted == 0 {
            return Ok(forgotten);
        }
    }
}

/// Folds what commits have counted into hours.
///
/// # Errors
/// When Postgres fails; then nothing is folded.
pub async fn fold_counts(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with gone as (delete from event_count_deltas returning *)
         insert into event_counts (hour, webhook, simulated, kind, outcome, count, last_at)
         select date_trunc('hour', at), webhook, simulated, kind, outcome, sum(count), max(at)
         from gone group by 1, 2, 3, 4, 5
         on conflict on constraint event_counts_pkey
         do update set count = event_counts.count + excluded.count, last_at = greatest(event_counts.last_at, excluded.last_at)"
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// How long events are kept.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Retention")]
pub struct Keep {
    /// Days after which a whole month of events is dropped, counted from the month's end. Unset: all are kept.
    #[arg(long, env = "RETENTION_DAYS", default_value = "")]
    pub retention_days: Count,
}
