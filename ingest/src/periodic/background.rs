//! Runs background jobs in short steps with pauses in between. Only one replica runs a given job at a time, and jobs resume after a crash.

mod facets;
mod hourly_counts;
mod jobs;
mod payloads;
mod position;
mod search_fold;
mod search_terms;
mod step;
mod verdicts;

use std::time::{Duration, Instant};

use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use tokio_util::sync::CancellationToken;

use crate::store::{background_jobs, service_role};
use jobs::{JOBS, Job};
use step::Step;

/// Interval between checks for new work, since a replica running an older version may have stored rows that a job has to update.
const INTERVAL: Duration = Duration::from_secs(10 * 60);
/// Delay before a retry after a failure, for example if Postgres is unavailable or a lock is held.
const RETRY_DELAY: Duration = Duration::from_secs(5);
/// Minimum pause between two steps. A pause lasts as long as the preceding step, so that jobs are active at most half of the time.
const MIN_PAUSE: Duration = Duration::from_millis(5);
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// Runs the jobs at startup and then every ten minutes until `stop`, unless the role does not own the tables. `pool` must have no statement
/// timeout.
pub(crate) async fn run(pool: PgPool, stop: CancellationToken) {
    let mut is_left_to_upkeep = false;
    loop {
        let mut delay = INTERVAL;
        match service_role::owns_tables(&pool).await {
            Ok(true) => {
                for &job in JOBS {
                    if let Err(error) = run_job(&pool, job, &stop).await {
                        tracing::warn!(%error, job = job.name(), "a background job failed; it will be retried in 5 seconds");
                        delay = RETRY_DELAY;
                    }
                }
            }
            Ok(false) => {
                if !std::mem::replace(&mut is_left_to_upkeep, true) {
                    tracing::info!(
                        "this role may not change tables: `ingest upkeep` has to build indexes and drop expired months"
                    );
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the background jobs did not start; they will be retried in 5 seconds");
                delay = RETRY_DELAY;
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(delay) => {}
        }
    }
}

/// Runs each job once until there is nothing left to do.
///
/// # Errors
/// When Postgres fails. A later run continues where this one stopped.
pub(crate) async fn run_all(pool: &PgPool) -> Result<(), sqlx::Error> {
    for &job in JOBS {
        run_job(pool, job, &CancellationToken::new()).await?;
    }
    Ok(())
}

/// Runs a job until there is nothing left to do. Returns early if another replica is running it or a newer version of the program has taken
/// it over.
async fn run_job(pool: &PgPool, job: Job, stop: &CancellationToken) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    if !background_jobs::try_lock(&mut connection, job.name()).await? {
        return Ok(());
    }
    let outcome = run_locked(&mut connection, job, stop).await;
    background_jobs::unlock(&mut connection, job.name()).await?;
    outcome
}

async fn run_locked(connection: &mut PgConnection, job: Job, stop: &CancellationToken) -> Result<(), sqlx::Error> {
    let stored = background_jobs::start(connection, job.name(), job.version()).await?;
    if stored.version > job.version() {
        return Ok(());
    }
    let mut position = stored.position;
    loop {
        let started = Instant::now();
        match job.step(connection, position.as_deref()).await? {
            Step::Continue(next) => position = next,
            Step::Done(next) => {
                if stored.finished_at.is_none() {
                    tracing::info!(job = job.name(), "a background job finished");
                }
                return background_jobs::finish(&mut *connection, job.name(), next.as_deref()).await;
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(started.elapsed().clamp(MIN_PAUSE, MAX_PAUSE)) => {}
        }
    }
}
