//! Finds out every second whether Postgres and Redis take writes, unless commits show it anyway.

use std::sync::Arc;
use std::time::Duration;

use shared::feed;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::readiness::Readiness;
use crate::store::erasures::ErasureCache;
use crate::store::write_probe;

const INTERVAL: Duration = Duration::from_secs(1);

/// The probes. They use the same connections as the writers and the publisher, so that they find out what those would.
pub(crate) struct Probes {
    pub(crate) writing: PgPool,
    pub(crate) redis: deadpool_redis::Pool,
    pub(crate) erasures: Arc<ErasureCache>,
    pub(crate) readiness: Arc<Readiness>,
}

impl Probes {
    /// Probes until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let forever = async {
            loop {
                tokio::join!(self.probe_postgres(), self.probe_redis());
                tokio::time::sleep(INTERVAL).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = forever => {}
        }
    }

    async fn probe_postgres(&self) {
        if self.readiness.needs_probe() {
            self.readiness.probed(write_probe::run(&self.writing).await);
        }
        if let Ok(erasures) = self.erasures.get(&self.writing).await {
            self.readiness.observe_secret_key(!erasures.has_unknown_key);
        }
    }

    async fn probe_redis(&self) {
        self.readiness.observe_redis(feed::probe_writes(&self.redis).await);
    }
}
