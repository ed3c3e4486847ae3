//! Tells refused deliveries that concern Mandrill from junk that strangers post.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::header::USER_AGENT;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::webhook::form::Form;

/// The length of an HMAC-SHA1, in bytes.
const SIGNATURE_LENGTH: usize = 20;
/// The start of the user agent that Mandrill sends.
const MANDRILL_AGENT: &[u8] = b"Mandrill-Webhook";

/// How strongly a refused request suggests that Mandrill sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// Nothing does.
    None,
    /// It has the shape of a delivery. Anyone can imitate that.
    Likely,
    /// One of our keys made its signature.
    Proven,
}

/// An element of a batch, as far as it shows whether the batch looks like Mandrill's.
#[derive(Deserialize)]
struct Element {
    #[serde(rename = "ts")]
    _ts: IgnoredAny,
}

/// Judges a request whose body was not read or could not be decoded: by the user agent, and by the form of the signature if there is one (a
/// proxy could have dropped it).
pub(crate) fn of_headers(signature: Option<&[u8]>, headers: &HeaderMap) -> Evidence {
    let agent = headers.get(USER_AGENT).map_or(&b""[..], |agent| agent.as_bytes());
    judge(signature.is_none_or(is_well_formed) && agent.starts_with(MANDRILL_AGENT))
}

/// Judges a form whose signature does not verify: by the signature's form, and by whether it contains a batch of events.
pub(crate) fn of_form(signature: &[u8], form: &Form) -> Evidence {
    let is_batch = |value: &[u8]| serde_json::from_slice::<Vec<Element>>(value).is_ok_and(|elements| !elements.is_empty());
    judge(is_well_formed(signature) && form.fields().any(|(name, value)| name == b"mandrill_events" && is_batch(value)))
}

fn judge(is_likely: bool) -> Evidence {
    if is_likely { Evidence::Likely } else { Evidence::None }
}

fn is_well_formed(signature: &[u8]) -> bool {
    BASE64_STANDARD.decode(signature).is_ok_and(|bytes| bytes.len() == SIGNATURE_LENGTH)
}
