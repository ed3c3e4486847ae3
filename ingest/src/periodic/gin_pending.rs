//! Keeps the search index merged.
//!
//! A GIN index appends what a row adds to a list of its own, and merges that list once it is long. Postgres lets whichever writer
//! comes along do so, and all that this writer was to commit waits for it, some 60 ms. Writers are allowed a far longer list, and
//! it is merged here instead, on a connection that no writer waits for, before it grows: searches go through all of it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::state::AppState;

/// What comes in this time is merged together.
const GATHER: Duration = Duration::from_millis(250);
/// After a failure, as when Postgres is away. Writers merge a list that has become too long meanwhile.
const AGAIN: Duration = Duration::from_secs(30);

/// Merges a moment after something was stored, until `stop`.
pub async fn run(state: Arc<AppState>, stop: CancellationToken) {
    let merging = async {
        loop {
            state.stored.notified().await;
            tokio::time::sleep(GATHER).await;
            if let Err(error) = pending(&state.pool).await {
                tracing::warn!(%error, "the search index was not merged");
                tokio::time::sleep(AGAIN).await;
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = merging => {}
    }
}

/// Merges what is pending in every month; all but one have nothing.
async fn pending(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select max(gin_clean_pending_list(inhrelid)) as pages from pg_inherits where inhparent = 'events_search_idx'::regclass"
    )
    .fetch_one(pool)
    .await?;
    Ok(())
}
