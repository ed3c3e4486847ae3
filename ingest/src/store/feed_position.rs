//! The history of the database, by which the feed notices that it was restored.

use shared::feed::DatabasePosition;
use sqlx::PgPool;

/// The server, its timeline and the primary key of the table identify the history. The timeline changes when a server is restored to a moment or takes
/// over from another. A dump that is being restored has no primary key before all its rows are there.
///
/// # Errors
/// Returns an error if Postgres fails, or while a dump is being restored.
pub(crate) async fn current(pool: &PgPool) -> Result<DatabasePosition, sqlx::Error> {
    sqlx::query_as!(
        DatabasePosition,
        r#"select concat_ws('/', (select system_identifier from pg_control_system()),
                            substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), 'events_pkey'::regclass::oid) as "history!",
                  coalesce(pg_sequence_last_value('events_id_seq'), 0) as "last_event!""#
    )
    .fetch_one(pool)
    .await
}
