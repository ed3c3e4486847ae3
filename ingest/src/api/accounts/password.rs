//! Passwords: hashed with argon2id, off the async threads and with limited concurrency.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::http::error::ApiError;

/// Limits concurrent hashing: each computation uses 19 MiB and one core.
static PERMITS: Semaphore = Semaphore::const_new(2);

/// Verified in place of a missing hash, so that an unknown email address takes as long as a wrong password.
static DUMMY_HASH: LazyLock<String> = LazyLock::new(|| hash_now("no user has this password").unwrap_or_default());

/// Minimum length in characters of a password that users choose.
pub(crate) const MIN_LENGTH: usize = 10;
/// Maximum length in characters of a password that users choose.
pub(crate) const MAX_LENGTH: usize = 1024;

/// A password could not be hashed or verified.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed")]
pub(crate) struct HashError;

impl From<HashError> for ApiError {
    fn from(_: HashError) -> Self {
        Self::Internal("a password could not be hashed")
    }
}

/// Hashes a password. Returns a PHC string.
///
/// # Errors
/// If the system cannot provide random bytes or threads.
pub(crate) async fn hash(password: String) -> Result<String, HashError> {
    let permit = PERMITS.acquire().await.map_err(|_| HashError)?;
    tokio::task::spawn_blocking(move || {
        // The computation continues even if its caller is cancelled, and holds its permit until it ends.
        let _permit = permit;
        hash_now(&password)
    })
    .await
    .map_err(|_| HashError)?
}

/// True if `password` matches the hash `stored`. Takes the same time even when there is no hash, in which case nothing matches.
///
/// # Errors
/// If the hash is invalid, or the system cannot provide threads.
pub(crate) async fn matches(password: String, stored: Option<String>) -> Result<bool, HashError> {
    let permit = PERMITS.acquire().await.map_err(|_| HashError)?;
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let has_hash = stored.is_some();
        let stored = stored.unwrap_or_else(|| DUMMY_HASH.clone());
        let parsed = PasswordHash::new(&stored).map_err(|_| HashError)?;
        let is_correct = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
        Ok(is_correct && has_hash)
    })
    .await
    .map_err(|_| HashError)?
}

/// True if users are allowed to choose a password of this length.
pub(crate) fn has_valid_length(password: &str) -> bool {
    (MIN_LENGTH..=MAX_LENGTH).contains(&password.chars().count())
}

/// Hashes a password chosen by a user.
///
/// # Errors
/// `BadPassword` when it is too short or too long.
pub(crate) async fn checked_hash(password: String) -> Result<String, ApiError> {
    if !has_valid_length(&password) {
        return Err(ApiError::BadPassword { min: MIN_LENGTH, max: MAX_LENGTH });
    }
    Ok(hash(password).await?)
}

fn hash_now(password: &str) -> Result<String, HashError> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|_| HashError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn passwords_match_only_their_own_hash() {
        let stored = hash("correct horse".to_owned()).await.expect("hashing should succeed");
        assert!(stored.starts_with("$argon2id$"));
        assert!(matches("correct horse".to_owned(), Some(stored.clone())).await.expect("verification should succeed"));
        assert!(!matches("wrong horse".to_owned(), Some(stored)).await.expect("verification should succeed"));
        assert!(!matches("no user has this password".to_owned(), None).await.expect("verification should succeed"));
    }
}
