//! Why publishing fails.

/// Why a round of publishing failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PublishError {
    #[error("Postgres failed")]
    Postgres(#[from] sqlx::Error),
    #[error("Redis failed")]
    Redis(#[from] shared::redis::Error),
}
