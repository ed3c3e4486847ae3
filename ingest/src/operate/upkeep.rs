//! What a running service does by the clock.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{backfill, facets, partitions, retention};
use crate::account::session;
use crate::app::Context;

const EVERY: Duration = Duration::from_secs(10 * 60);
/// After a failure, as when Postgres is away.
const AGAIN: Duration = Duration::from_secs(30);

/// Makes partitions ahead, completes events of older versions, counts hours that are over, drops months that are too old, and sweeps
/// what has expired, at the start and every ten minutes until `stop`.
pub async fn run(context: Arc<Context>, stop: CancellationToken) {
    loop {
        let done = async {
            partitions::make_ahead(&context.pool).await?;
            backfill::terms(&context.pool).await?;
            facets::count(&context.pool).await?;
            if let Some(days) = context.retention_days {
                retention::keep(&context.pool, days).await?;
            }
            session::sweep(&context.pool).await
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
