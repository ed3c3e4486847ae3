//! Common mistakes in signing: variants of the signature itself, the key and the signed text.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};

use super::cause::{Cause, Variant};
use crate::webhook::form::Form;
use crate::webhook::signature::{Keys, URL_CHECK_KEY};

/// Returns the signatures that the header can encode: 20 bytes, or 32 bytes for SHA-256.
pub(super) fn signatures(header: &[u8]) -> Vec<Variant<Vec<u8>>> {
    let mut found = Vec::new();
    let mut add = |bytes: Option<Vec<u8>>, cause: Option<Cause>| {
        let Some(bytes) = bytes else { return };
        let causes: Vec<Cause> = match bytes.len() {
            20 => cause.into_iter().collect(),
            32 => cause.into_iter().chain([Cause::Sha256]).collect(),
            _ => return,
        };
        found.push((bytes, causes));
    };
    let text = header.trim_ascii();
    if let Ok(bytes) = BASE64_STANDARD.decode(text) {
        add(Some(bytes), None);
    } else {
        let others = [&BASE64_STANDARD_NO_PAD, &BASE64_URL_SAFE, &BASE64_URL_SAFE_NO_PAD];
        add(others.iter().find_map(|engine| engine.decode(text).ok()), Some(Cause::Base64));
    }
    add(hex::decode(text).ok(), Some(Cause::Hex));
    found
}

/// Returns the label and secret of each key that may have been used. The key for the URL check is valid only for that check.
pub(super) fn key_variants(keys: &Keys, is_check: bool) -> Vec<Variant<(String, Vec<u8>)>> {
    let mut variants = Vec::new();
    for key in keys.iter() {
        let mut add = |secret: Vec<u8>, causes| variants.push(((key.label.clone(), secret), causes));
        add(key.secret.clone().into_bytes(), Vec::new());
        add(format!("{}={}", key.label, key.secret).into_bytes(), vec![Cause::LabelInKey]);
        let decoded =
            [&BASE64_URL_SAFE_NO_PAD, &BASE64_STANDARD_NO_PAD].iter().find_map(|engine| engine.decode(&key.secret).ok());
        if let Some(decoded) = decoded {
            add(decoded, vec![Cause::DecodedKey]);
        }
    }
    let causes = if is_check { Vec::new() } else { vec![Cause::PublicKey] };
    variants.push(((URL_CHECK_KEY.to_owned(), URL_CHECK_KEY.as_bytes().to_vec()), causes));
    variants
}

/// Returns the possible signed strings that follow the URL.
pub(super) fn text_variants(form: &Form) -> Vec<Variant<Vec<u8>>> {
    let joined = |change: &dyn Fn(&[u8]) -> Vec<u8>| -> Vec<u8> {
        let of = |(name, value): (&[u8], &[u8])| {
            if name == b"mandrill_events" { [name, change(value).as_slice()].concat() } else { [name, value].concat() }
        };
        form.fields().flat_map(of).collect()
    };
    let mut variants = vec![(joined(&<[u8]>::to_vec), Vec::new()), (Vec::new(), vec![Cause::NoFields])];
    let as_text = |value: &[u8], change: fn(&str) -> String| {
        std::str::from_utf8(value).map_or_else(|_| value.to_vec(), |text| change(text).into_bytes())
    };
    for change in [php, |text: &str| php(&compact(text)), unescape, compact] {
        let changed = joined(&|value| as_text(value, change));
        if variants.iter().all(|(known, _)| *known != changed) {
            variants.push((changed, vec![Cause::Json]));
        }
    }
    // PHP percent-encodes the asterisk; browsers do not.
    for asterisk in ["%2A", "*"] {
        let encode = |value: &[u8]| form_urlencoded::byte_serialize(value).collect::<String>().replace('*', asterisk);
        let encoded = joined(&|value| encode(value).into_bytes());
        if variants.iter().all(|(known, _)| *known != encoded) {
            variants.push((encoded, vec![Cause::Undecoded]));
        }
    }
    variants
}

/// Rewrites the JSON in PHP's style, with escaped slashes and only ASCII characters.
fn php(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 64);
    let mut escaped = false;
    for letter in text.chars() {
        match letter {
            '/' if !escaped => written.push_str("\\/"),
            letter if letter.is_ascii() => written.push(letter),
            letter => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    written.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
        escaped = letter == '\\' && !escaped;
    }
    written
}

/// Removes the escapes from slashes in the JSON. A backslash that is itself escaped does not escape the next character.
fn unescape(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut escaped = false;
    for letter in text.chars() {
        if escaped && letter == '/' {
            written.pop();
        }
        written.push(letter);
        escaped = letter == '\\' && !escaped;
    }
    written
}

/// Removes whitespace between the JSON's tokens.
fn compact(text: &str) -> String {
    let (mut inside, mut escaped) = (false, false);
    text.chars()
        .filter(|letter| {
            let keep = inside || !letter.is_ascii_whitespace();
            match letter {
                '"' if !escaped => inside = !inside,
                _ => {}
            }
            escaped = inside && *letter == '\\' && !escaped;
            keep
        })
        .collect()
}
