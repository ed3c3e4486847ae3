//! The `background_jobs` table, which stores the progress of each job.

use sqlx::PgPool;
use sqlx::postgres::{PgConnection, PgExecutor};
use time::OffsetDateTime;

/// The advisory lock of each job is the pair of this number and a hash of the job's name.
const LOCK_CLASS: i32 = 0x6d6c_6a62;

/// A stored job.
#[derive(Debug)]
pub(crate) struct StoredJob {
    pub(crate) name: String,
    pub(crate) version: i32,
    pub(crate) position: Option<String>,
    /// Number of rows changed so far.
    pub(crate) changed: i64,
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) finished_at: Option<OffsetDateTime>,
}

/// Locks a job for this connection. Returns false if another replica is working on it.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn try_lock(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select pg_try_advisory_lock($1, hashtext($2)) as "locked!""#, LOCK_CLASS, name)
        .fetch_one(connection)
        .await
}

/// Releases a job's lock.
///
/// # Errors
/// Returns an error if Postgres fails. The lock is then released when the connection closes.
pub(crate) async fn unlock(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_unlock($1, hashtext($2))", LOCK_CLASS, name).fetch_one(connection).await?;
    Ok(())
}

/// The stored job, reset to the beginning if this version of the job has never run. A job with a newer version is returned unchanged.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn start(connection: &mut PgConnection, name: &str, version: i32) -> Result<StoredJob, sqlx::Error> {
    sqlx::query!(
        "insert into background_jobs (name, version) values ($1, $2)
         on conflict on constraint background_jobs_pkey do update
           set version = excluded.version, position = null, changed = 0, started_at = now(), updated_at = now(), finished_at = null
           where background_jobs.version < excluded.version",
        name,
        version
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query_as!(
        StoredJob,
        "select name, version, position, changed, updated_at, finished_at from background_jobs where name = $1",
        name
    )
    .fetch_one(connection)
    .await
}

/// Records that a step has changed `changed` rows and that the next step continues at `position`.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn advance(
    executor: impl PgExecutor<'_>,
    name: &str,
    position: Option<&str>,
    changed: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update background_jobs set position = $2, changed = changed + $3, updated_at = now(), finished_at = null where name = $1",
        name,
        position,
        changed
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// Records that the job has caught up. A later run starts where this one stopped.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn pause(executor: impl PgExecutor<'_>, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("update background_jobs set finished_at = now() where name = $1 and finished_at is null", name)
        .execute(executor)
        .await?;
    Ok(())
}

/// Records that the job is finished, and that a later run starts at `position`.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn finish(executor: impl PgExecutor<'_>, name: &str, position: Option<&str>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update background_jobs set position = $2, updated_at = now(), finished_at = coalesce(finished_at, now()) where name = $1",
        name,
        position
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// All jobs, ordered by name.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn all(pool: &PgPool) -> Result<Vec<StoredJob>, sqlx::Error> {
    sqlx::query_as!(
        StoredJob,
        "select name, version, position, changed, updated_at, finished_at from background_jobs order by name"
    )
    .fetch_all(pool)
    .await
}
