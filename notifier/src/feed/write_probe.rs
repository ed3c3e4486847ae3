//! Finds out every second whether Redis takes what ingest publishes.

use std::time::Duration;

use shared::feed::WriteProbe;
use shared::redis::{Redis, RedisState};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const INTERVAL: Duration = Duration::from_secs(1);

/// Probes Redis until `stop`, and keeps the outcome in `state`.
pub async fn run(redis: Redis, state: watch::Sender<RedisState>, stop: CancellationToken) {
    let mut probe = WriteProbe::new(redis);
    let forever = async {
        loop {
            state.send_replace(probe.run().await);
            tokio::time::sleep(INTERVAL).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = forever => {}
    }
}
