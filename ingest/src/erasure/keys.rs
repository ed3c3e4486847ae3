//! The secret keys with which erased addresses are remembered.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Minimum length of a key, in bytes.
const MIN_LENGTH: usize = 16;
/// Number of bytes of the hash that identifies a key.
const ID_BYTES: usize = 8;

/// Where the secret keys come from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Erasing")]
pub struct SecretKeyArgs {
    /// Secret keys with which erased addresses are remembered, separated by commas or line breaks; at least 16 characters each. The first is
    /// used, and the others are still known, so that keys can be replaced. Without a key, recipients cannot be erased.
    #[arg(long, env = "SECRET_KEY", hide_env_values = true, default_value = "")]
    pub secret_key: SecretKeys,
}

/// The reason that the secret keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretKeyError {
    #[error("a secret key must have at least 16 characters")]
    TooShort,
}

/// A key, ready for use.
#[derive(Clone)]
pub(crate) struct SecretKey {
    /// Identifies the key without revealing it.
    pub(crate) id: String,
    hmac: Hmac<Sha256>,
}

impl SecretKey {
    fn new(key: &str) -> Self {
        let hmac =
            Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        let id = hmac.clone().chain_update("key id").finalize().into_bytes();
        Self { id: hex::encode(&id[..ID_BYTES]), hmac }
    }

    /// The HMAC of an address, ignoring the case of ASCII letters.
    pub(crate) fn address(&self, email: &str) -> [u8; 32] {
        self.hmac.clone().chain_update("address:").chain_update(email.trim().to_ascii_lowercase()).finalize().into_bytes().into()
    }
}

/// The configured keys; the first one is used for new erasures.
#[derive(Clone, Default)]
pub struct SecretKeys(Vec<SecretKey>);

impl SecretKeys {
    /// The key for new erasures; `None` if there is none.
    pub(crate) fn first(&self) -> Option<&SecretKey> {
        self.0.first()
    }

    /// All keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SecretKey> {
        self.0.iter()
    }
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} hidden keys]", self.0.len())
    }
}

impl FromStr for SecretKeys {
    type Err = SecretKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let keys = text.split([',', '\n']).map(str::trim).filter(|key| !key.is_empty());
        keys.map(|key| if key.len() < MIN_LENGTH { Err(SecretKeyError::TooShort) } else { Ok(SecretKey::new(key)) })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_and_never_shown() {
        let keys: SecretKeys = "first key of 20 chars,\n second key of 21 chars\n".parse().expect("the keys should be valid");
        let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 16), "{ids:?}");
        assert_eq!(format!("{keys:?}"), "[2 hidden keys]");
        let first = keys.first().expect("there should be a key");
        assert_eq!(first.address(" Ada@Example.com"), first.address("ada@example.com"));
        assert!(matches!("short".parse::<SecretKeys>(), Err(SecretKeyError::TooShort)));
        assert!("".parse::<SecretKeys>().expect("no key is valid").first().is_none());
    }
}
