//! The migrations embedded in this program, and applying them under a lock.

mod adopt;
mod error;
mod reworded;

use std::time::{Duration, Instant};

use sqlx::PgPool;
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::postgres::PgConnection;

use self::error::MigrationError;
use super::sqlstate;

/// The files in `migrations/`, embedded at compile time.
static MIGRATOR: Migrator = sqlx::migrate!("../migrations");
/// The advisory lock held during a migration.
const LOCK: i64 = 0x6d6c_6d69_6772;
/// The interval between attempts to acquire the lock. Waiting inside Postgres would hold a snapshot, which `create index concurrently`
/// waits for.
const LOCK_INTERVAL: Duration = Duration::from_millis(200);
/// How long a statement of a migration waits for a lock.
const MAX_LOCK_WAIT: &str = "set lock_timeout = '200ms'";
/// The pause before a migration that waited too long is tried again, in which everyone who waited behind it gets on.
const RETRY_INTERVAL: Duration = Duration::from_secs(3);
/// Maximum time to wait for a migration in another process, or for sessions that use a table.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// Applies the missing migrations, one process at a time. Adopts a version 0.1.0 database.
///
/// # Errors
/// Returns an error if the database belongs to another version, if another process takes too long to migrate it, or if a migration fails.
pub(crate) async fn apply(pool: &PgPool) -> Result<(), MigrationError> {
    // Not returned to the pool: its time limit for locks is too short for everything else.
    let mut connection = pool.acquire().await?.detach();
    lock(&mut connection).await?;
    let applied = apply_locked(&mut connection).await;
    sqlx::query!("select pg_advisory_unlock($1)", LOCK).fetch_one(&mut connection).await?;
    applied
}

async fn lock(connection: &mut PgConnection) -> Result<(), MigrationError> {
    let locked = async {
        let mut is_waiting = false;
        loop {
            let locked = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "locked!""#, LOCK);
            if locked.fetch_one(&mut *connection).await? {
                return Ok(());
            }
            if !is_waiting {
                tracing::info!("waiting for another process to migrate the database");
                is_waiting = true;
            }
            tokio::time::sleep(LOCK_INTERVAL).await;
        }
    };
    tokio::time::timeout(LOCK_TIMEOUT, locked).await.map_err(|_| MigrationError::Locked)?
}

async fn apply_locked(connection: &mut PgConnection) -> Result<(), MigrationError> {
    // Version 0.1.0 processes use only sqlx's own lock.
    connection.lock().await?;
    let applied = async {
        connection.ensure_migrations_table(&MIGRATOR.table_name).await?;
        let newest = known_versions().into_iter().max().unwrap_or_default();
        let applied = connection.list_applied_migrations(&MIGRATOR.table_name).await?;
        if applied.iter().any(|migration| migration.version > newest) {
            return Err(MigrationError::Newer);
        }
        adopt::adopt(connection, &MIGRATOR).await?;
        Ok(reworded::accept(connection, &MIGRATOR).await?)
    };
    let applied = applied.await;
    connection.unlock().await?;
    applied?;
    run_without_holding_up(connection).await
}

/// Applies the missing migrations. A statement that waits for a lock holds up everyone who asks for the table after it, deliveries above all. So
/// it gives up soon, and the whole migration is tried again later.
async fn run_without_holding_up(connection: &mut PgConnection) -> Result<(), MigrationError> {
    sqlx::query(MAX_LOCK_WAIT).execute(&mut *connection).await?;
    let started = Instant::now();
    let mut is_waiting = false;
    loop {
        match MIGRATOR.run(&mut *connection).await {
            Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) if sqlstate::is_lock_timeout(&error) => {
                if started.elapsed() > LOCK_TIMEOUT {
                    return Err(MigrationError::Blocked);
                }
                if !is_waiting {
                    tracing::warn!("a migration waits for a session that uses a table; deliveries go on meanwhile");
                    is_waiting = true;
                }
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            outcome => return Ok(outcome?),
        }
    }
}

/// Versions of the migrations that were applied successfully to the database.
///
/// # Errors
/// Returns an error if Postgres fails or the database was never migrated.
pub(crate) async fn applied_versions(pool: &PgPool) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar("select version from _sqlx_migrations where success").fetch_all(pool).await
}

/// Versions of the migrations embedded in this program.
pub(crate) fn known_versions() -> Vec<i64> {
    MIGRATOR.iter().map(|migration| migration.version).collect()
}
