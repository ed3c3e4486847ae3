//! The moments from which every replica does something in a new way.

use sqlx::PgExecutor;
use time::OffsetDateTime;

/// The moment from which payloads are compressed.
///
/// # Errors
/// Returns an error if Postgres fails or the migration that stores the moment has not been applied.
pub(crate) async fn compressed_payloads_from(executor: impl PgExecutor<'_>) -> Result<OffsetDateTime, sqlx::Error> {
    sqlx::query_scalar!("select at from upgrade_moments where name = 'compressed_payloads'").fetch_one(executor).await
}

/// The moment from which sync events are identified by their sender too.
///
/// # Errors
/// Returns an error if Postgres fails or the migration that stores the moment has not been applied.
pub(crate) async fn sync_senders_from(executor: impl PgExecutor<'_>) -> Result<OffsetDateTime, sqlx::Error> {
    sqlx::query_scalar!("select at from upgrade_moments where name = 'sync_senders'").fetch_one(executor).await
}
