//! Maintenance jobs that run at startup and then every ten minutes.

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::periodic::key_window::{self, KeyWindowArgs};
use crate::periodic::{facets, retention};
use crate::store::accounts::expiry;
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
    retention_days: Option<u32>,
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
            run_as_owner(&owner, retention_days).await
        };
        let pause = match outcome.await {
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

/// Creates partitions ahead of time, counts completed hours, deletes expired sessions, invitations and failed sign-in records, and moves the
/// window of keys.
///
/// # Errors
/// When Postgres fails. The next run picks up where this one stopped.
pub(crate) async fn run_as_service(pool: &PgPool, window: KeyWindowArgs) -> Result<(), sqlx::Error> {
    partitions::create_ahead(pool).await?;
    facets::count_finished_hours(pool).await?;
    expiry::delete_expired(pool).await?;
    key_window::maintain(pool, window).await
}

/// Applies retention if `retention_days` is set. Returns false, and does nothing, if the role does not own the tables.
///
/// # Errors
/// When Postgres fails. The next run picks up where this one stopped.
pub(crate) async fn run_as_owner(pool: &PgPool, retention_days: Option<u32>) -> Result<bool, sqlx::Error> {
    if !service_role::owns_tables(pool).await? {
        return Ok(false);
    }
    if let Some(days) = retention_days {
        retention::apply(pool, days).await?;
    }
    Ok(true)
}
