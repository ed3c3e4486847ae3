//! Limits password guessing to 10 failed attempts per account and 50 per network in 15 minutes, across all replicas.
//!
//! An attempt counts as failed before its password is checked, and is cleared if it succeeds. Concurrent attempts therefore
//! cannot exceed the limits.

use shared::serve::Peer;
use sqlx::PgPool;

use crate::http::error::ApiError;
use crate::store::accounts::sign_in::{self, AttemptLimits};

/// Failed attempts per window of 15 minutes.
const LIMITS: AttemptLimits = AttemptLimits { account: 10, network: 50 };

/// A counted attempt to sign in.
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

    /// Clears the account's failures and this attempt of the network.
    pub(crate) async fn succeeded(self, pool: &PgPool) -> Result<(), sqlx::Error> {
        sign_in::clear_attempt(pool, self.email, &self.network).await
    }
}
