//! Publishing errors.

/// The reason a publishing round failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PublishError {
    #[error("Postgres failed")]
    Postgres(#[from] sqlx::Error),
    #[error("Redis failed")]
    Redis(#[from] shared::redis::Error),
}
