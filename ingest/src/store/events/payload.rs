//! Reads the bytes of an event.

use sqlx::PgPool;

/// Reads an event's payload as received; `{}` once it is erased.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn find(pool: &PgPool, event_id: i64) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select payload from events where id = $1", event_id).fetch_optional(pool).await
}
