//! Finds out whether a delivery would be committed, by taking the same locks, using disk space, and committing a row.

use std::time::Duration;

use shared::db;
use sqlx::{Connection, PgPool};

use crate::readiness::PostgresState;
use crate::store::{partitions, sqlstate};

/// Maximum time for a probe.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The reason that a delivery would not be committed.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) state: PostgresState,
    /// The error of Postgres or of the connection, if there was one.
    pub(crate) error: Option<sqlx::Error>,
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self { state: sqlstate::state(&error), error: Some(error) }
    }
}

/// Writes as a delivery does.
///
/// # Errors
/// If the delivery would not be committed.
pub(crate) async fn run(pool: &PgPool) -> Result<(), Refusal> {
    match tokio::time::timeout(TIMEOUT, write(pool)).await {
        Ok(Ok(())) => Ok(()),
        Err(_) | Ok(Err(sqlx::Error::PoolTimedOut)) => Err(explain_timeout(pool).await),
        Ok(Err(error)) => Err(error.into()),
    }
}

/// The pool reports refused connections in the same way as connections that are all busy, so a new connection shows which it is.
async fn explain_timeout(pool: &PgPool) -> Refusal {
    match db::connect_once(pool).await {
        Ok(()) => Refusal { state: PostgresState::Blocked, error: None },
        Err(Some(error)) => error.into(),
        Err(None) => Refusal { state: PostgresState::Away, error: None },
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
        "lock table only events, event_keys, recent_keys, late_keys, event_tally_deltas, notifications, outbox, quarantine in row exclusive mode"
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
