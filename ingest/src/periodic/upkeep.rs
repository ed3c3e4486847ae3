//! Maintenance jobs that run at startup and then every ten minutes.

use std::time::Duration;

use shared::config::SettingError;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::archive::storage::{ArchiveArgs, Storage};
use crate::erasure::keys::{SecretKeyArgs, SecretKeys};
use crate::periodic::archive::erase;
use crate::periodic::key_window::{self, KeyWindowArgs};
use crate::periodic::retention::{self, Lock, RetentionArgs};
use crate::periodic::{alarms, facets};
use crate::store::accounts::expiry;
use crate::store::common_words;
use crate::store::partitions::{self, PartitionWidth};
use crate::store::service_role;

const INTERVAL: Duration = Duration::from_secs(10 * 60);
/// Delay before a retry after a failure, for example if Postgres is unavailable.
const RETRY_DELAY: Duration = Duration::from_secs(30);

/// Sets what partitions cover, and runs all jobs until `stop`. `owner` connects as the owner of the tables; otherwise, what only that role can
/// do is left to `ingest upkeep`.
pub async fn run(
    service: PgPool,
    owner: PgPool,
    width: PartitionWidth,
    window: KeyWindowArgs,
    expiry: Expiry,
    stop: CancellationToken,
) {
    let mut width_is_set = false;
    loop {
        let outcome = async {
            // Once: replicas that are started with another width would undo each other's every time.
            if !width_is_set {
                partitions::set_width(&service, width).await?;
                width_is_set = true;
            }
            run_as_service(&service, window).await?;
            run_as_owner(&owner, &expiry).await
        };
        let outcome = tokio::select! {
            () = stop.cancelled() => return,
            outcome = outcome => outcome,
        };
        let pause = match outcome {
            Ok(Outcome::ArchiveFailed(problem)) => {
                tracing::warn!(problem, "the archive does not work; it will be tried again in ten minutes");
                INTERVAL
            }
            Ok(_) => INTERVAL,
            Err(error) => {
                tracing::warn!(%error, "upkeep failed; it will be retried in 30 seconds");
                RETRY_DELAY
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Creates partitions ahead of time, counts completed hours, learns common words, deletes expired sessions, invitations and failed sign-in
/// records, and moves the window of keys.
///
/// # Errors
/// When Postgres fails. The next run picks up where this one stopped.
pub(crate) async fn run_as_service(pool: &PgPool, window: KeyWindowArgs) -> Result<(), sqlx::Error> {
    partitions::create_ahead(pool).await?;
    facets::count_finished_hours(pool).await?;
    common_words::learn(pool).await?;
    expiry::delete_expired(pool).await?;
    key_window::maintain(pool, window).await
}

/// What the owner of the tables does with expired events.
#[derive(Debug, Clone)]
pub struct Expiry {
    /// `RETENTION_DAYS`.
    pub days: Option<u32>,
    /// Where partitions are archived before they are dropped.
    pub storage: Option<Storage>,
    /// The keys with which erased addresses are remembered.
    pub keys: SecretKeys,
}

impl Expiry {
    /// Reads the settings.
    ///
    /// # Errors
    /// If those of the archive are unusable.
    pub fn new(retention: &RetentionArgs, archive: &ArchiveArgs, keys: &SecretKeyArgs) -> Result<Self, SettingError> {
        Ok(Self { days: retention.retention_days.0, storage: Storage::open(archive)?, keys: keys.secret_key.clone() })
    }
}

/// What [`run_as_owner`] could do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// The role does not own the tables, so nothing was done.
    NotOwner,
    /// The archive does not work, for this reason. An alarm says so.
    ArchiveFailed(String),
}

/// Applies retention if `days` are set, and removes erased people from the archive.
///
/// # Errors
/// When Postgres fails. The next run picks up where this one stopped.
pub(crate) async fn run_as_owner(pool: &PgPool, expiry: &Expiry) -> Result<Outcome, sqlx::Error> {
    if !service_role::owns_tables(pool).await? {
        return Ok(Outcome::NotOwner);
    }
    let mut problem = None;
    if let Some(days) = expiry.days {
        let report = retention::apply(pool, expiry.storage.as_ref(), days).await?;
        problem = report.and_then(|report| report.kept).map(|kept| kept.to_string());
    }
    if let Some(storage) = &expiry.storage {
        let Some(lock) = Lock::take(pool).await? else { return Ok(Outcome::Done) };
        let erased = erase::apply(pool, storage, &expiry.keys).await;
        lock.release().await?;
        problem =
            problem.or(erased.err().map(|error| format!("erased people are not removed from the archive, because {error}")));
        if problem.is_none() {
            problem = storage.probe().await.err().map(|error| format!("nothing could be archived, because {error}"));
        }
    }
    alarms::set_archive_alarm(pool, problem.as_deref()).await?;
    Ok(problem.map_or(Outcome::Done, Outcome::ArchiveFailed))
}
