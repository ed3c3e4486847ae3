//! Storing the counts of refused deliveries.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::state::AppState;
use crate::store::refusal_counts;

const INTERVAL: Duration = Duration::from_secs(1);

/// Stores the counts every second until `stop`, and then the rest.
pub(crate) async fn run(state: Arc<AppState>, stop: CancellationToken) {
    loop {
        let stopping = tokio::time::timeout(INTERVAL, stop.cancelled()).await.is_ok();
        let counts = state.refusals.take();
        if !counts.is_empty()
            && let Err(error) = refusal_counts::store(&state.pool, &counts).await
        {
            tracing::warn!(%error, "counts of refusals could not be stored; the next attempt includes them");
            state.refusals.restore(counts);
        }
        if stopping {
            return;
        }
    }
}
