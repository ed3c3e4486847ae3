//! Limits password guessing from a network to 10 failed attempts per account and 50 in total in 15 minutes, across all replicas.
//!
//! An attempt counts as failed before its password is checked, and is cleared if it succeeds. Concurrent attempts therefore
//! cannot exceed the limits.

use shared::serve::Peer;
use sqlx::PgPool;

use crate::http::error::ApiError;
use crate::store::accounts::sign_in::{self, AttemptLimits};

/// Maximum number of failed attempts per 15-minute window.
const LIMITS: AttemptLimits = AttemptLimits { account: 10, network: 50 };

/// A sign-in attempt that has been counted.
pub(crate) struct LoginAttempt<'a> {
    email: &'a str,
    network: String,
}

impl<'a> LoginAttempt<'a> {
    /// Counts an attempt.
    ///
    /// # Errors
    /// `Throttled` when the account or the network has reached its limit; `Database` when Postgres fails.
    pub(crate) async fn count(pool: &PgPool, email: &'a str, peer: Peer) -> Result<Self, ApiError> {
        let network = peer.network().to_string();
        match sign_in::count_attempt(pool, email, &network, LIMITS).await? {
            Some(retry_after) => Err(ApiError::Throttled { retry_after }),
            None => Ok(Self { email, network }),
        }
    }

    /// Clears the account's failed attempts and removes this attempt from the network's count.
    pub(crate) async fn succeeded(self, pool: &PgPool) -> Result<(), sqlx::Error> {
        sign_in::clear_attempt(pool, self.email, &self.network).await
    }
}
