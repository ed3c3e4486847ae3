//! Reads an event's original bytes.

use sqlx::PgPool;

/// Reads an event's payload as received; `{}` if it has been erased.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn find(pool: &PgPool, event_id: i64) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select payload from events where id = $1", event_id).fetch_optional(pool).await
}
