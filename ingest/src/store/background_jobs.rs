//! The table `background_jobs`: how far each job is.

use sqlx::PgPool;
use sqlx::postgres::{PgConnection, PgExecutor};
use time::OffsetDateTime;

/// The advisory locks of jobs are pairs of this number and a hash of the job's name.
const LOCK_CLASS: i32 = 0x6d6c_6a62;

/// A job as it is stored.
#[derive(Debug)]
pub(crate) struct StoredJob {
    pub(crate) name: String,
    pub(crate) version: i32,
    pub(crate) position: Option<String>,
    /// Rows changed so far.
    pub(crate) changed: i64,
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) finished_at: Option<OffsetDateTime>,
}

/// Locks a job for this connection. False if another replica works on it.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn try_lock(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select pg_try_advisory_lock($1, hashtext($2)) as "locked!""#, LOCK_CLASS, name)
        .fetch_one(connection)
        .await
}

/// Releases the lock of a job.
///
/// # Errors
/// When Postgres fails. The lock ends with the connection then.
pub(crate) async fn unlock(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_unlock($1, hashtext($2))", LOCK_CLASS, name).fetch_one(connection).await?;
    Ok(())
}

/// The job as it is stored, at its beginning if this version of it never ran. A job of a newer version is returned as it is.
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

/// Stores that a step has changed `changed` rows and that the next one continues at `position`.
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

/// Stores that nothing is left to do.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn finish(executor: impl PgExecutor<'_>, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update background_jobs set updated_at = now(), finished_at = coalesce(finished_at, now()) where name = $1",
        name
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// All jobs, by name.
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
