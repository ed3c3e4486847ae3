//! Verifies that a delivery comes from Mandrill.
//!
//! `X-Mandrill-Signature` is a base64-encoded HMAC-SHA1. The HMAC key is the webhook key string. The message is the webhook's URL exactly
//! as entered in Mandrill, followed by the decoded name and value of every form field, sorted by name. Source: "Authenticating webhook
//! requests" in the Mailchimp Transactional documentation.

use std::convert::Infallible;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::webhook::form::Form;

/// The key that Mandrill uses to sign the empty batch sent to check a new URL. It is the same for every account, so it does not
/// authenticate anything else.
pub(crate) const URL_CHECK_KEY: &str = "test-webhook";
/// The value of `mandrill_events` in that batch.
const URL_CHECK_BODY: &[u8] = b"[]";

/// Returns the key for Mandrill's URL check, for sending the same request.
pub fn url_check_key() -> Key {
    Key { label: URL_CHECK_KEY.to_owned(), secret: URL_CHECK_KEY.to_owned() }
}

/// A webhook key, and the label that is stored with its events.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// The configured label, or `key-1`, `key-2`, … according to the key's position.
    pub label: String,
    pub(crate) secret: String,
}

/// The configured keys. `Debug` shows only their labels.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Keys(Vec<Key>);

impl Keys {
    /// Returns the first key, which `simulate` uses for signing.
    pub fn first(&self) -> Option<&Key> {
        self.0.first()
    }

    /// Iterates over all keys.
    pub fn iter(&self) -> std::slice::Iter<'_, Key> {
        self.0.iter()
    }

    /// Returns true if there are no keys.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if `secret` is one of the keys.
    pub fn contains(&self, secret: &str) -> bool {
        self.0.iter().any(|key| key.secret == secret)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.label)).finish()
    }
}

/// The reason a list of keys is rejected.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The key is the public one for the URL check.
    #[error("`{URL_CHECK_KEY}` is the key of Mandrill's URL check, the same for every account; use the webhook's own key")]
    Public,
    /// A label has no key.
    #[error("the key labelled `{0}` is empty")]
    Empty(String),
}

impl FromStr for Keys {
    type Err = KeysError;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let mut keys = Vec::new();
        for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (label, secret) = match item.split_once('=') {
                Some((label, secret)) => (label.trim().to_owned(), secret.trim()),
                None => (format!("key-{}", keys.len() + 1), item),
            };
            match secret {
                "" => return Err(KeysError::Empty(label)),
                URL_CHECK_KEY => return Err(KeysError::Public),
                secret => keys.push(Key { label, secret: secret.to_owned() }),
            }
        }
        Ok(Self(keys))
    }
}

/// The webhook's public URLs, exactly as entered in Mandrill. They are never normalised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Urls(Vec<String>);

impl Urls {
    /// Returns the first URL, which `simulate` uses for signing.
    pub fn first(&self) -> Option<&str> {
        self.iter().next()
    }

    /// Iterates over all URLs.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromStr for Urls {
    type Err = Infallible;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        Ok(Self(list.split(',').map(str::trim).filter(|url| !url.is_empty()).map(str::to_owned).collect()))
    }
}

/// The result of verifying a valid signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// A delivery signed with the key that has this label.
    Webhook(String),
    /// Mandrill's check that the URL responds; there is nothing to store.
    UrlCheck,
}

/// The reason a delivery could not be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The signature header is missing.
    #[error("The delivery has no X-Mandrill-Signature header.")]
    Unsigned,
    /// No key is configured.
    #[error("No webhook key is configured, so no delivery can be verified. Set WEBHOOK_KEYS.")]
    NoKey,
    /// No URL is configured.
    #[error("No webhook URL is configured, so no delivery can be verified. Set WEBHOOK_URLS.")]
    NoUrl,
    /// The signature matches no configured key and URL.
    #[error("The signature matches no configured key and URL.")]
    WrongSignature,
}

impl SignatureError {
    /// A stable error code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::NoKey => "no_key",
            Self::NoUrl => "no_url",
            Self::WrongSignature => "wrong_signature",
        }
    }
}

/// Verifies deliveries against every combination of configured key and URL.
#[derive(Debug, Clone)]
pub struct Verifier {
    keys: Keys,
    urls: Urls,
}

impl Verifier {
    /// Creates a verifier for these keys and URLs.
    pub fn new(keys: Keys, urls: Urls) -> Self {
        Self { keys, urls }
    }

    /// Verifies `signature`, the value of the header, for `form`. The comparison takes constant time.
    ///
    /// # Errors
    /// When no combination of key and URL matches.
    pub fn verify(&self, signature: &[u8], form: &Form) -> Result<Verification, SignatureError> {
        let Ok(signature) = BASE64_STANDARD.decode(signature) else { return Err(SignatureError::WrongSignature) };
        let matches = |secret: &str| self.urls.iter().any(|url| mac(secret, url, form.fields()).verify_slice(&signature).is_ok());
        let is_url_check = form.fields().eq([(&b"mandrill_events"[..], URL_CHECK_BODY)]);
        if is_url_check && matches(URL_CHECK_KEY) {
            return Ok(Verification::UrlCheck);
        }
        match self.keys.iter().find(|key| matches(&key.secret)) {
            Some(key) => Ok(Verification::Webhook(key.label.clone())),
            None if self.keys.is_empty() => Err(SignatureError::NoKey),
            None if self.urls.0.is_empty() => Err(SignatureError::NoUrl),
            None => Err(SignatureError::WrongSignature),
        }
    }
}

/// Returns the signature header that Mandrill would send for a delivery of `value`.
pub fn sign(key: &Key, url: &str, value: &[u8]) -> String {
    BASE64_STANDARD.encode(mac(&key.secret, url, [(&b"mandrill_events"[..], value)]).finalize().into_bytes())
}

fn mac<'a>(secret: &str, url: &str, fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Hmac<Sha1> {
    // HMAC accepts keys of any length, so the error cannot occur.
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).unwrap_or_else(|_| Hmac::new(&Default::default()));
    mac.update(url.as_bytes());
    for (name, value) in fields {
        mac.update(name);
        mac.update(value);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "k3y-One_22chars_abcdEF";
    const URL: &str = "https://hooks.example.com/webhook/";
    const OPEN: &str = r#"[{"event":"open","ts":1700000000,"_id":"a1","msg":{"_id":"a1","email":"a@example.com","subject":"Caf\u00e9 \/ bar"}}]"#;

    fn form(pairs: &[(&str, &[u8])]) -> Form {
        let escaped = |text: &[u8]| text.iter().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        Form::decode(pairs.join("&").into_bytes()).expect("the form should be valid")
    }

    fn text_form(pairs: &[(&str, &str)]) -> Form {
        form(&pairs.iter().map(|(name, value)| (*name, value.as_bytes())).collect::<Vec<_>>())
    }

    fn signed(secret: &str, url: &str, form: &Form) -> String {
        BASE64_STANDARD.encode(mac(secret, url, form.fields()).finalize().into_bytes())
    }

    /// A reference implementation of RFC 2104 over the concatenated message.
    fn reference(secret: &[u8], url: &str, name: &str, value: &[u8]) -> String {
        use sha1::Digest;
        let mut key = if secret.len() > 64 { Sha1::digest(secret).to_vec() } else { secret.to_vec() };
        key.resize(64, 0);
        let pad = |byte: u8| key.iter().map(|key| key ^ byte).collect::<Vec<u8>>();
        let message = [url.as_bytes(), name.as_bytes(), value].concat();
        let inner = Sha1::digest([pad(0x36), message].concat());
        BASE64_STANDARD.encode(Sha1::digest([pad(0x5c), inner.to_vec()].concat()))
    }

    fn verify(keys: &str, urls: &str, signature: &str, pairs: &[(&str, &str)]) -> Result<Verification, SignatureError> {
        let verifier =
            Verifier::new(keys.parse().expect("the keys should be valid"), urls.parse().expect("the URLs should be valid"));
        verifier.verify(signature.as_bytes(), &text_form(pairs))
    }

    fn webhook(label: &str) -> Result<Verification, SignatureError> {
        Ok(Verification::Webhook(label.to_owned()))
    }

    #[test]
    fn signatures_match_known_values() {
        assert_eq!(verify(KEY, URL, "/vI53vytyZrsPWGmtVyq7LYrTYw=", &[("mandrill_events", OPEN)]), webhook("key-1"));
        let send = r#"[{"event":"send","ts":1700000001,"_id":"a2","msg":{"_id":"a2"}}]"#;
        let url = "https://user:p%40ss@hooks.example.com/webhook/?b=2&a=1";
        assert_eq!(verify(KEY, url, "lWP5sjVJMexGtWdg94nWy99SPoo=", &[("mandrill_events", send)]), webhook("key-1"));
        let unsorted = [("zeta", "last"), ("mandrill_events", "[]"), ("alpha", "first + 1 & 2")];
        assert_eq!(verify("second=k3y-Two_22chars_ghijKL", URL, "AVPVCk2NX7biG5GYNvKAiJBLMZA=", &unsorted), webhook("second"));
        let check = [("mandrill_events", "[]")];
        assert_eq!(verify("", "https://example.com/webhook", "w0287Pp/mlZMgekXJ4ut/zSzSwc=", &check), Ok(Verification::UrlCheck));
    }

    #[test]
    fn any_pair_of_key_and_address_may_match() {
        let (keys, urls) =
            (format!("old=k3y-Two_22chars_ghijKL, new={KEY}"), format!("https://other.example.com/webhook/, {URL}"));
        assert_eq!(verify(&keys, &urls, "/vI53vytyZrsPWGmtVyq7LYrTYw=", &[("mandrill_events", OPEN)]), webhook("new"));
    }

    #[test]
    fn near_misses_do_not_verify() {
        let right = text_form(&[("mandrill_events", OPEN)]);
        let signed = |secret: &str, url: &str, value: &str| signed(secret, url, &text_form(&[("mandrill_events", value)]));
        let mac = mac(KEY, URL, right.fields()).finalize().into_bytes();
        let hex = hex::encode(mac);
        let wrong = [
            signed(KEY, "http://hooks.example.com/webhook/", OPEN),
            signed(KEY, "https://hooks.example.com/webhook", OPEN),
            signed(KEY, "https://hooks.example.com:443/webhook/", OPEN),
            signed(KEY, URL, &OPEN.replace("\\/", "/")),
            signed(KEY, URL, &OPEN.replace('"', "%22")),
            signed("k3y-Two_22chars_ghijKL", URL, OPEN),
            signed("test-webhook", URL, OPEN),
            signed("", URL, OPEN),
            hex,
            String::new(),
            "not base64!".to_owned(),
            "/vI53vytyZrsPWGmtVyq7LYrTYw".to_owned(),
            "/vI53vytyZrsPWGmtVyq".to_owned(),
        ];
        for signature in wrong {
            assert_eq!(
                verify(KEY, URL, &signature, &[("mandrill_events", OPEN)]),
                Err(SignatureError::WrongSignature),
                "{signature}"
            );
        }
    }

    #[test]
    fn the_key_of_the_url_check_verifies_only_the_empty_batch() {
        for pairs in [&[("mandrill_events", "[ ]")][..], &[("mandrill_events", OPEN)], &[("mandrill_events", "[]"), ("more", "")]]
        {
            assert!(verify(KEY, URL, &signed(URL_CHECK_KEY, URL, &text_form(pairs)), pairs).is_err(), "{pairs:?}");
        }
    }

    #[test]
    fn without_a_key_or_url_nothing_verifies() {
        let pairs = [("mandrill_events", OPEN)];
        assert_eq!(verify("", URL, "/vI53vytyZrsPWGmtVyq7LYrTYw=", &pairs), Err(SignatureError::NoKey));
        assert_eq!(verify(KEY, "", "/vI53vytyZrsPWGmtVyq7LYrTYw=", &pairs), Err(SignatureError::NoUrl));
        assert!("test-webhook".parse::<Keys>().is_err());
        assert!("label=".parse::<Keys>().is_err());
    }

    proptest! {
        #[test]
        fn a_signed_form_verifies_and_any_change_breaks_it(
            secret in "[A-Za-z0-9_-]{1,80}",
            mut value in prop::collection::vec(any::<u8>(), 1..200),
            at in any::<prop::sample::Index>(),
            flip in 1..=255_u8,
        ) {
            let key = Key { label: "one".to_owned(), secret };
            let verifier = Verifier::new(Keys(vec![key.clone()]), Urls(vec![URL.to_owned()]));
            let signature = sign(&key, URL, &value);
            prop_assert_eq!(&signature, &reference(key.secret.as_bytes(), URL, "mandrill_events", &value));
            prop_assert_eq!(verifier.verify(signature.as_bytes(), &form(&[("mandrill_events", &value)])), webhook("one"));
            let at = at.index(value.len());
            value[at] ^= flip;
            let changed = form(&[("mandrill_events", &value)]);
            prop_assert_eq!(verifier.verify(signature.as_bytes(), &changed), Err(SignatureError::WrongSignature));
        }
    }
}
