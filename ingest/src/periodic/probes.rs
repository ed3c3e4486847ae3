//! Finds out every second whether Postgres and Redis take writes, unless commits show it anyway.

use std::sync::Arc;
use std::time::Duration;

use shared::feed::WriteProbe;
use shared::redis::Redis;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::readiness::{PostgresState, Readiness};
use crate::store::erasures::ErasureCache;
use crate::store::write_probe::{self, Refusal};

const INTERVAL: Duration = Duration::from_secs(1);

/// The probes. They use the same connections as the writers and the publisher, so that they find out what those would.
pub(crate) struct Probes {
    pub(crate) writing: PgPool,
    pub(crate) redis: Redis,
    pub(crate) erasures: Arc<ErasureCache>,
    pub(crate) readiness: Arc<Readiness>,
}

impl Probes {
    /// Probes until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut write_probe = WriteProbe::new(self.redis.clone());
        let forever = async {
            loop {
                let ((), redis) = tokio::join!(self.probe_postgres(), write_probe.run());
                self.readiness.observe_redis(redis);
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
            let outcome = write_probe::run(&self.writing).await;
            let state = outcome.as_ref().err().map_or(PostgresState::Up, |refusal| refusal.state);
            if self.readiness.probed(state) != state {
                log_change(&outcome);
            }
        }
        if let Ok(erasures) = self.erasures.get(&self.writing).await {
            self.readiness.observe_secret_key(!erasures.has_unknown_key);
        }
    }
}

fn log_change(outcome: &Result<(), Refusal>) {
    match outcome {
        Ok(()) => tracing::info!("Postgres takes writes"),
        Err(Refusal { state, error }) => {
            // A database error can contain values; its SQLSTATE does not.
            let error = match error {
                Some(sqlx::Error::Database(error)) => error.code().map(|code| format!("SQLSTATE {code}")),
                error => error.as_ref().map(ToString::to_string),
            };
            tracing::warn!(state = state.code(), error, "Postgres takes no writes");
        }
    }
}
