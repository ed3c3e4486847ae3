//! Passwords: hashed with argon2id, checked off the async threads, few at a time.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::http::error::ApiError;

/// Each check holds 19 MiB and a core; more than this wait.
static ROOM: Semaphore = Semaphore::const_new(2);

/// Checked in place of a hash that is not there, so that an unknown e-mail takes as long as a wrong password.
static NOBODYS: LazyLock<String> = LazyLock::new(|| hash_now("nobody signs in with this").unwrap_or_default());

/// Shortest password taken, in characters.
pub const SHORTEST: usize = 10;
/// Longest password looked at, in characters.
pub const LONGEST: usize = 1024;

/// The hash could not be made or checked.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed")]
pub struct HashError;

/// The PHC string that is stored for a password.
///
/// # Errors
/// When the system has no randomness or threads to give.
pub async fn hash(password: String) -> Result<String, HashError> {
    let permit = ROOM.acquire().await.map_err(|_| HashError)?;
    tokio::task::spawn_blocking(move || {
        // The work goes on when its caller is gone, and so must its permit.
        let _permit = permit;
        hash_now(&password)
    })
    .await
    .map_err(|_| HashError)?
}

/// True when `password` belongs to `stored`. Takes as long when there is no stored hash.
///
/// # Errors
/// When the system has no threads to give.
pub async fn verify(password: String, stored: Option<String>) -> Result<bool, HashError> {
    let permit = ROOM.acquire().await.map_err(|_| HashError)?;
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let is_somebody = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODYS.clone());
        let parsed = PasswordHash::new(&stored).map_err(|_| HashError)?;
        let fits = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
        Ok(fits && is_somebody)
    })
    .await
    .map_err(|_| HashError)?
}

/// True for a password that is neither too short nor too long.
pub(crate) fn is_taken(password: &str) -> bool {
    (SHORTEST..=LONGEST).contains(&password.chars().count())
}

/// The PHC string for a password that somebody chooses.
///
/// # Errors
/// `BadPassword` when it is too short or too long.
pub(crate) async fn checked_hash(password: String) -> Result<String, ApiError> {
    if !is_taken(&password) {
        return Err(ApiError::BadPassword);
    }
    hash(password).await.map_err(|_| ApiError::Internal("a password could not be hashed"))
}

fn hash_now(password: &str) -> Result<String, HashError> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|_| HashError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_alone() {
        let stored = hash("correct horse".to_owned()).await.expect("a hash");
        assert!(stored.starts_with("$argon2id$"));
        assert!(verify("correct horse".to_owned(), Some(stored.clone())).await.expect("an answer"));
        assert!(!verify("wrong horse".to_owned(), Some(stored)).await.expect("an answer"));
        assert!(!verify("nobody signs in with this".to_owned(), None).await.expect("an answer"));
    }
}
