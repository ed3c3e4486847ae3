//! Ids that stand for recipients' addresses.

use std::fmt;
use std::hash;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;

/// What ids begin with. An address that begins with it contains an `@` as well.
const MARK: char = '~';
/// Addresses are padded to a multiple of this, so that the length of an id tells little of theirs.
const BLOCK: usize = 16;

/// Encrypts addresses, so that the same address always has the same id, and nobody without the key can tell which.
#[derive(Clone, Default)]
pub struct RecipientIds {
    /// The key in the database.
    key: Arc<[u8]>,
}

impl RecipientIds {
    /// Ids made with `key`.
    pub fn new(key: &[u8]) -> Self {
        Self { key: key.into() }
    }

    /// The id of an address, ignoring the case of ASCII letters. `None` if it cannot be encrypted.
    pub fn id_of(&self, address: &str) -> Option<String> {
        let address = address.to_ascii_lowercase();
        // The nonce follows from the address: two addresses with one nonce are as unlikely as two with one HMAC.
        let nonce = self.nonce(&address);
        let mut sealed = address.into_bytes();
        sealed.resize(sealed.len().next_multiple_of(BLOCK), 0);
        self.cipher()?.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed).ok()?;
        Some(format!("{MARK}{}", URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// The address, in lower case, that has this id; `None` if it is not an id.
    pub fn address_of(&self, id: &str) -> Option<String> {
        let mut bytes = URL_SAFE_NO_PAD.decode(id.strip_prefix(MARK)?).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let opened = self.cipher()?.open_in_place(nonce, Aad::empty(), sealed).ok()?;
        String::from_utf8(opened.to_vec()).ok().map(|address| address.trim_end_matches('\0').to_owned())
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&CHACHA20_POLY1305, self.derived("encryption").as_ref()).ok().map(LessSafeKey::new)
    }

    fn nonce(&self, address: &str) -> [u8; NONCE_LEN] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.derived("nonces").as_ref());
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&hmac::sign(&key, address.as_bytes()).as_ref()[..NONCE_LEN]);
        nonce
    }

    /// A key for one purpose, of 32 bytes.
    fn derived(&self, purpose: &str) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.key), purpose.as_bytes())
    }
}

impl fmt::Debug for RecipientIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecipientIds")
    }
}

impl PartialEq for RecipientIds {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for RecipientIds {}

impl hash::Hash for RecipientIds {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stands_for_one_address_and_is_made_with_the_key() {
        let ids = RecipientIds::new(&[7; 32]);
        let id = ids.id_of("Ada@Example.com").expect("an id");
        assert!(id.starts_with('~') && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"~-_".contains(&byte)), "{id}");
        assert_eq!(ids.id_of("ada@example.com").as_ref(), Some(&id));
        assert_eq!(ids.address_of(&id).as_deref(), Some("ada@example.com"));
        assert_eq!(ids.id_of("bob@example.com").map(|other| other.len()), Some(id.len()));
        assert_eq!(RecipientIds::new(&[8; 32]).address_of(&id), None);
        for other in ["", "~", "~AAAA", "~ada@example.com", "ada@example.com", &id[1..], &id[..id.len() - 1]] {
            assert_eq!(ids.address_of(other), None, "{other}");
        }
        assert_eq!(ids.id_of("").and_then(|id| ids.address_of(&id)).as_deref(), Some(""));
    }
}
