//! Errors of migrating.

use sqlx::migrate::MigrateError;

/// Why the database was not migrated. Nothing was changed, except with `Migrate`, which stops at the migration that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrationError {
    #[error("the database was migrated by a newer version of ingest; use that version. Nothing was changed")]
    Newer,
    #[error(
        "the database is older than version 0.1.0; run `ingest migrate` from version 0.1.0 first, then from this one. Nothing was changed"
    )]
    TooOld,
    #[error("migration {version} differs from its file in version 0.1.0; restore the database or the file. Nothing was changed")]
    Modified { version: i64 },
    #[error(
        "migration {version} belongs to no version of ingest; check that DATABASE_URL points to its database. Nothing was changed"
    )]
    Unknown { version: i64 },
    #[error(
        "another process has been migrating the database for ten minutes; wait until it ends, and retry. Nothing was changed"
    )]
    Locked,
    #[error(
        "a session has been using a table for ten minutes that the migration changes; `pg_stat_activity` shows it. End it, or retry later"
    )]
    Blocked,
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}
