//! Stores the counts of refused deliveries.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::store::refusal_counts;
use crate::webhook::refusals::Refusals;

const INTERVAL: Duration = Duration::from_secs(1);

/// Stores the counts every second until `stop`, then stores any remaining counts and returns.
pub(crate) async fn run(pool: PgPool, refusals: Arc<Refusals>, stop: CancellationToken) {
    loop {
        let stopping = tokio::time::timeout(INTERVAL, stop.cancelled()).await.is_ok();
        let counts = refusals.take();
        if !counts.is_empty()
            && let Err(error) = refusal_counts::store(&pool, &counts).await
        {
            tracing::warn!(%error, "refusal counts could not be stored; they will be included in the next attempt");
            refusals.restore(counts);
        }
        if stopping {
            return;
        }
    }
}
