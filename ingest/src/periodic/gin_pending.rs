//! Merges the pending lists of the search indexes.
//!
//! A GIN index appends new entries to a pending list. The insert that exceeds the list's limit has to merge it, which delays the commit by
//! about 60 ms. The indexes therefore allow a much longer list, and this job merges it on its own connection. It does so well before the
//! limit is reached, because every search scans the whole list.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Delay after a commit, so that one merge also covers the commits that follow shortly afterwards.
const MERGE_DELAY: Duration = Duration::from_millis(250);
/// Delay before a retry after a failure, for example if Postgres is unavailable. Inserts still merge a list that grows too long.
const RETRY_DELAY: Duration = Duration::from_secs(30);

/// Merges the lists shortly after each `stored` notification, until `stop`.
pub async fn run(pool: PgPool, stored: Arc<Notify>, stop: CancellationToken) {
    let merging = async {
        loop {
            stored.notified().await;
            tokio::time::sleep(MERGE_DELAY).await;
            if let Err(error) = merge(&pool).await {
                tracing::warn!(%error, "the pending entries of the search indexes were not merged");
                tokio::time::sleep(RETRY_DELAY).await;
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = merging => {}
    }
}

/// Merges the pending list of every partition, with the rights of the owner of the tables. Only the current month's list has entries.
async fn merge(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!("select merge_search_index() as pages").fetch_one(pool).await?;
    Ok(())
}
