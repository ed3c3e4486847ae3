//! Finds out every second whether Redis takes what ingest publishes.

use std::time::Duration;

use deadpool_redis::Pool;
use shared::feed;
use shared::redis::RedisState;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const INTERVAL: Duration = Duration::from_secs(1);

/// Probes Redis until `stop`, and keeps the outcome in `state`.
pub async fn run(pool: Pool, state: watch::Sender<RedisState>, stop: CancellationToken) {
    let forever = async {
        loop {
            state.send_replace(feed::probe_writes(&pool).await);
            tokio::time::sleep(INTERVAL).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = forever => {}
    }
}
