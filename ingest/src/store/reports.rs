//! Chooses where exports and statistics are read: on the read replica if there is one and it is recent enough, or on the primary.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;

use super::read_replica::ReadReplica;
use super::sqlstate;

/// Maximum time for the replica. Postgres ends a statement after five seconds; a replica that does not respond ends nothing.
const REPLICA_TIMEOUT: Duration = Duration::from_secs(8);

/// Where exports and statistics are read.
pub struct Reports {
    primary: PgPool,
    replica: Option<Arc<ReadReplica>>,
}

/// What was read.
pub(crate) struct Report<T> {
    pub(crate) value: T,
    /// If it was read on the replica: how many seconds old it is at most.
    pub(crate) lag_seconds: Option<u64>,
}

impl Reports {
    pub(crate) fn new(primary: PgPool, replica: Option<ReadReplica>) -> Self {
        Self { primary, replica: replica.map(Arc::new) }
    }

    pub(crate) fn primary(&self) -> &PgPool {
        &self.primary
    }

    pub(crate) fn replica(&self) -> Option<&Arc<ReadReplica>> {
        self.replica.as_ref()
    }

    /// Reads on the replica if it is recent enough. What fails there, because replication cancels it for example, is read on the primary;
    /// only what takes too long is not tried again.
    ///
    /// # Errors
    /// Those of `read`.
    pub(crate) async fn read<T, F>(&self, read: impl Fn(PgPool) -> F) -> Result<Report<T>, sqlx::Error>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        if let Some(replica) = &self.replica
            && let Ok(lag) = replica.lag()
        {
            let read_there = tokio::time::timeout(REPLICA_TIMEOUT, read(replica.pool().clone())).await;
            match read_there.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
                Ok(value) => return Ok(Report { value, lag_seconds: Some(lag.as_secs_f64().ceil() as u64) }),
                Err(error) if sqlstate::is_timeout(&error) => return Err(error),
                Err(error) => {
                    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
                    tracing::info!(code = code.as_deref(), "the read replica failed to answer; the primary is asked");
                    if code.is_none() {
                        replica.failed();
                    }
                }
            }
        }
        Ok(Report { value: read(self.primary.clone()).await?, lag_seconds: None })
    }
}
