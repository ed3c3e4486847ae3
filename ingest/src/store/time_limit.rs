//! Queries that end within a time limit.

use std::time::Duration;

use sqlx::{PgPool, Postgres, Transaction};

/// Begins a transaction that reads one snapshot, and whose statements are cancelled after `limit` each.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn begin(pool: &PgPool, limit: Duration) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut transaction = pool.begin_with("begin isolation level repeatable read read only").await?;
    let limit = format!("{}ms", limit.as_millis());
    sqlx::query!("select set_config('statement_timeout', $1, true)", limit).fetch_one(&mut *transaction).await?;
    Ok(transaction)
}
