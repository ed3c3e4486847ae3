//! The migrations that this program contains, and those that the database has applied.

use sqlx::PgPool;
use sqlx::migrate::Migrator;

/// The files in `migrations/`, embedded at compile time.
pub(crate) static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Versions of the migrations that the database has applied successfully.
///
/// # Errors
/// When Postgres fails or was never migrated.
pub(crate) async fn applied_versions(pool: &PgPool) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar("select version from _sqlx_migrations where success").fetch_all(pool).await
}

/// Versions of the migrations that this program contains.
pub(crate) fn known_versions() -> Vec<i64> {
    MIGRATOR.iter().map(|migration| migration.version).collect()
}
