//! Finds out every second how old the data of the read replica is.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::store::read_replica::ReadReplica;

const INTERVAL: Duration = Duration::from_secs(1);

/// Runs until `stop`. Logs when the replica begins or ceases to be read.
pub(crate) async fn run(primary: PgPool, replica: Arc<ReadReplica>, stop: CancellationToken) {
    let forever = async {
        let mut logged = None;
        loop {
            if let Err(error) = replica.observe(&primary).await {
                tracing::warn!(%error, "the position of the primary is not known, so the read replica is not read");
            }
            let problem = replica.lag().err();
            if logged != Some(problem) {
                logged = Some(problem);
                match problem {
                    None => tracing::info!("exports and statistics are read on the replica"),
                    Some(problem) => {
                        tracing::warn!(problem = problem.texts().0, "exports and statistics are read on the primary")
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
