//! Maintenance jobs that run at startup and then every ten minutes.

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::periodic::{facets, retention};
use crate::store::accounts::expiry;
use crate::store::partitions;

const INTERVAL: Duration = Duration::from_secs(10 * 60);
/// Delay before a retry after a failure, for example if Postgres is unavailable.
const RETRY_DELAY: Duration = Duration::from_secs(30);

/// Runs all jobs until `stop`. They create partitions ahead of time, count completed hours, apply retention if `retention_days` is set, and
/// delete expired sessions, invitations and failed sign-in records.
pub async fn run(pool: PgPool, retention_days: Option<u32>, stop: CancellationToken) {
    loop {
        let pause = match run_once(&pool, retention_days).await {
            Ok(()) => INTERVAL,
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

async fn run_once(pool: &PgPool, retention_days: Option<u32>) -> Result<(), sqlx::Error> {
    partitions::create_ahead(pool).await?;
    facets::count_finished_hours(pool).await?;
    if let Some(days) = retention_days {
        retention::apply(pool, days).await?;
    }
    expiry::delete_expired(pool).await
}
