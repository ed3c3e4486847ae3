//! Finds out every second how old the data of the read replica is.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::error::DatabaseError;
use tokio_util::sync::CancellationToken;

use crate::store::read_replica::{ReadReplica, ReplicaProblem};

const INTERVAL: Duration = Duration::from_secs(1);

/// Runs until `stop`. Logs when the replica begins or ceases to be read.
pub(crate) async fn run(primary: PgPool, replica: Arc<ReadReplica>, stop: CancellationToken) {
    let forever = async {
        let mut logged = None;
        loop {
            let unknown = replica.observe(&primary).await.err();
            let problem = replica.lag().err();
            if logged != Some(problem) {
                logged = Some(problem);
                // A database error can contain values; its SQLSTATE does not.
                let code = unknown.as_ref().and_then(sqlx::Error::as_database_error).and_then(DatabaseError::code);
                let (code, primary_failed) = (code.as_deref(), unknown.is_some());
                match problem.map(ReplicaProblem::texts) {
                    None => tracing::info!("exports and statistics are read on the replica"),
                    Some((problem, _)) => {
                        tracing::warn!(problem, primary_failed, code, "exports and statistics are read on the primary");
                    }
                }
            }
            tokio::time::sleep(INTERVAL).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = forever => {}
    }
}
