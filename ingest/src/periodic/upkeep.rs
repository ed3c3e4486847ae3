//! What a running service does by the clock.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::periodic::{backfill, facets, retention};
use crate::state::AppState;
use crate::store::accounts::expiry;
use crate::store::partitions;

const EVERY: Duration = Duration::from_secs(10 * 60);
/// After a failure, as when Postgres is away.
const AGAIN: Duration = Duration::from_secs(30);

/// Makes partitions ahead, completes events of older versions, counts hours that are over, drops months that are too old, and sweeps
/// what has expired, at the start and every ten minutes until `stop`.
pub async fn run(state: Arc<AppState>, stop: CancellationToken) {
    loop {
        let done = async {
            partitions::create_ahead(&state.pool).await?;
            backfill::terms(&state.pool).await?;
            facets::count(&state.pool).await?;
            if let Some(days) = state.retention_days {
                retention::keep(&state.pool, days).await?;
            }
            expiry::delete_expired(&state.pool).await
        };
        let pause = match done.await {
            Ok(()) => EVERY,
            Err(error) => {
                tracing::warn!(%error, "upkeep failed and is tried again soon");
                AGAIN
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
