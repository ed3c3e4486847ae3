//! Finds out whether a delivery would be committed, by taking the same locks, using disk space, and committing a row.

use std::time::Duration;

use sqlx::{Connection, PgConnection, PgPool};

use crate::readiness::PostgresState;
use crate::store::{partitions, sqlstate};

/// Maximum time for a probe.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum time for a connection that shows why a probe did not finish.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Writes as a delivery does, and returns what came of it.
pub(crate) async fn run(pool: &PgPool) -> PostgresState {
    match tokio::time::timeout(TIMEOUT, write(pool)).await {
        Ok(Ok(())) => PostgresState::Up,
        Err(_) | Ok(Err(sqlx::Error::PoolTimedOut)) => explain_timeout(pool).await,
        Ok(Err(error)) => sqlstate::state(&error),
    }
}

/// The pool reports refused connections in the same way as connections that are all busy, so a new connection shows which it is.
async fn explain_timeout(pool: &PgPool) -> PostgresState {
    match tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&pool.connect_options())).await {
        Ok(Ok(connection)) => {
            let _closed = connection.close().await;
            PostgresState::Blocked
        }
        Ok(Err(error)) => sqlstate::state(&error),
        Err(_) => PostgresState::Away,
    }
}

async fn write(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    // The lock timeout is shorter than `TIMEOUT`, so that the connection is returned in order.
    sqlx::query!(
        "select set_config(name, value, true)
         from (values ('lock_timeout', '1500ms'), ('statement_timeout', '1800ms'), ('work_mem', '64kB')) as settings (name, value)"
    )
    .fetch_all(&mut *transaction)
    .await?;
    // The same locks that a commit takes.
    sqlx::query!(
        "lock table only events, event_keys, event_tally_deltas, notifications, outbox, quarantine in row exclusive mode"
    )
    .execute(&mut *transaction)
    .await?;
    partitions::lock_current_for_insert(&mut transaction).await?;
    // A megabyte that does not fit into `work_mem` goes to a temporary file, which needs free disk space. Rows could reuse free space in
    // their table and would not notice a full disk.
    sqlx::query!(
        "with filler as materialized (select repeat('x', 8000) as text from generate_series(1, 130)) select count(text) from filler"
    )
    .fetch_one(&mut *transaction)
    .await?;
    sqlx::query!("insert into write_probe (at) values (now()) on conflict (one) do update set at = excluded.at")
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}
