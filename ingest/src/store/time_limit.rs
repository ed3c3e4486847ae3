//! Queries that end within a time limit.

use std::time::Duration;

use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::sqlstate;

/// Begins a transaction that reads one snapshot, and whose statements are cancelled after `limit` each.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn begin(pool: &PgPool, limit: Duration) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut transaction = pool.begin_with("begin isolation level repeatable read read only").await?;
    set(&mut transaction, limit).await?;
    Ok(transaction)
}

/// Changes the limit for the statements that follow. It is at least a millisecond.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn set(connection: &mut PgConnection, limit: Duration) -> Result<(), sqlx::Error> {
    let limit = format!("{}ms", limit.as_millis().max(1));
    sqlx::query!("select set_config('statement_timeout', $1, true)", limit).fetch_one(connection).await?;
    Ok(())
}

/// Removes the limit for the rest of a transaction, whose statements read or build a whole partition.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn lift(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("set local statement_timeout = 0").execute(&mut *connection).await?;
    Ok(())
}

/// What a query returned; `None` if it was cancelled at the limit.
///
/// # Errors
/// Returns any other error of the query.
pub(crate) fn in_time<T>(result: Result<T, sqlx::Error>) -> Result<Option<T>, sqlx::Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if sqlstate::is_timeout(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
