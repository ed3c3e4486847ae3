//! Finds the configuration mistakes that explain an invalid signature.
//!
//! The search tries mistakes that the sender may have made, starting with the fewest: a different URL, a different key, or a different form
//! of the value or the signature. Only operators see the result, since the sender must not learn how close a guess was.

mod address;
mod cause;
mod variants;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

use crate::webhook::form::Form;
use crate::webhook::signature::{Keys, Urls};
use address::Address;
pub use cause::{Cause, NearMiss, RefusedRequest};
use cause::{MAX_CAUSES, Variant};

/// Maximum number of bytes hashed in one search. Hashing them takes about a tenth of a second.
const MAX_HASHED_BYTES: usize = 128 << 20;
/// Longer headers and query strings are not tried, because each would be part of hundreds of candidate URLs.
const MAX_HEADER_BYTES: usize = 2 << 10;

/// Searches for the mistakes that explain a form's signature.
pub fn find(keys: &Keys, urls: &Urls, form: &Form, request: &RefusedRequest<'_>) -> Option<NearMiss> {
    search(keys, urls, form, request, MAX_HASHED_BYTES)
}

/// Like [`find`], but with a limit on the number of bytes to hash.
fn search(keys: &Keys, urls: &Urls, form: &Form, request: &RefusedRequest<'_>, mut budget: usize) -> Option<NearMiss> {
    let request = &RefusedRequest {
        host: unless_long(request.host),
        query: unless_long(request.query),
        authorization: unless_long(request.authorization),
        ..*request
    };
    let signatures = variants::signatures(request.signature);
    let is_url_check = form.fields().eq([(&b"mandrill_events"[..], &b"[]"[..])]);
    let keys = variants::key_variants(keys, is_url_check);
    let addresses: Vec<(&str, Variant<Address>)> = urls
        .iter()
        .flat_map(|url| Address::parse(url).variants(request).into_iter().map(move |variant| (url, variant)))
        .collect();
    let texts = variants::text_variants(form);
    for count in 1..=MAX_CAUSES {
        // Keyed by the hashed input, so that several encodings of the signature need only one hash.
        let mut hashed: HashMap<(usize, usize, usize, bool), Vec<u8>> = HashMap::new();
        for (signature, by_signature) in &signatures {
            let is_sha256 = signature.len() == 32;
            for (k, ((label, secret), by_key)) in keys.iter().enumerate() {
                for (a, (url, (address, by_address))) in addresses.iter().enumerate() {
                    for (t, (text, by_text)) in texts.iter().enumerate() {
                        let causes: Vec<Cause> =
                            [by_signature, by_key, by_address, by_text].into_iter().flatten().copied().collect();
                        if causes.len() != count {
                            continue;
                        }
                        if let Entry::Vacant(entry) = hashed.entry((k, a, t, is_sha256)) {
                            let signed_url = address.text();
                            budget = budget.checked_sub(signed_url.len() + text.len() + 256)?;
                            entry.insert(mac(secret, &signed_url, text, is_sha256));
                        }
                        if hashed.get(&(k, a, t, is_sha256)) == Some(signature) {
                            return Some(near_miss(causes, label, url, address));
                        }
                    }
                }
            }
        }
    }
    None
}

fn unless_long(text: Option<&str>) -> Option<&str> {
    text.filter(|text| text.len() <= MAX_HEADER_BYTES)
}

fn near_miss(mut causes: Vec<Cause>, label: &str, url: &str, address: &Address) -> NearMiss {
    causes.sort_unstable();
    let mut detail: Vec<String> = causes.iter().filter_map(|cause| cause.advice()).map(str::to_owned).collect();
    let (ours, theirs) = (Address::parse(url).masked(), address.masked());
    if address.text() != url {
        let difference =
            if ours == theirs { "with other credentials".to_owned() } else { format!("but WEBHOOK_URLS contains {ours}") };
        detail
            .insert(0, format!("The delivery is signed for {theirs}, {difference}. Copy the URL exactly as it is in Mandrill."));
    }
    detail.push(format!("The signing key is `{label}`."));
    NearMiss { causes, detail: detail.join(" ") }
}

fn mac(secret: &[u8], url: &str, text: &[u8], is_sha256: bool) -> Vec<u8> {
    // HMAC accepts keys of any length, so the error cannot occur.
    if is_sha256 {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret) else { return Vec::new() };
        mac.chain_update(url).chain_update(text).finalize().into_bytes().to_vec()
    } else {
        let Ok(mac) = Hmac::<Sha1>::new_from_slice(secret) else { return Vec::new() };
        mac.chain_update(url).chain_update(text).finalize().into_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

    use super::*;

    /// Base64 of 16 bytes, like Mandrill's keys. The last letter leaves no bits unused.
    const KEY: &str = "k3y-One_22chars_abcdEA";
    const URL: &str = "https://hooks.example.com/webhook/?b=2&a=1";

    fn form(value: &str) -> Form {
        let escaped: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        Form::decode(format!("mandrill_events={escaped}").into_bytes()).expect("the form should be valid")
    }

    fn find_for(signature: &str, value: &str) -> Option<NearMiss> {
        find_at("/webhook/", None, signature, value, MAX_HASHED_BYTES)
    }

    fn find_at(path: &str, query: Option<&str>, signature: &str, value: &str, budget: usize) -> Option<NearMiss> {
        let request = RefusedRequest {
            signature: signature.as_bytes(),
            scheme: None,
            host: Some("proxy.example.com:8080"),
            path,
            query,
            authorization: Some("Basic dXNlcjpwQHNz"),
        };
        let keys = format!("main={KEY},other=k3y-Two_22chars_ghijKL").parse().expect("the keys should be valid");
        search(&keys, &URL.parse().expect("the URLs should be valid"), &form(value), &request, budget)
    }

    fn signed(key: &[u8], url: &str, text: &str) -> String {
        BASE64_STANDARD.encode(mac(key, url, text.as_bytes(), false))
    }

    const VALUE: &str = r#"[{"event":"open","url":"https:\/\/example.com\/","subject":"Caf\u00e9"}]"#;

    #[test]
    fn each_mistake_is_named() {
        let text = format!("mandrill_events{VALUE}");
        let for_url = |url: &str| signed(KEY.as_bytes(), url, &text);
        let right = mac(KEY.as_bytes(), URL, text.as_bytes(), false);
        let hex = hex::encode(&right);
        let strong = BASE64_STANDARD.encode(mac(KEY.as_bytes(), URL, text.as_bytes(), true));
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(KEY).expect("16 bytes");
        let encoded: String = form_urlencoded::byte_serialize(VALUE.as_bytes()).collect();
        let table = [
            (for_url("http://hooks.example.com/webhook/?b=2&a=1"), "scheme"),
            (for_url("https://proxy.example.com/webhook/?b=2&a=1"), "host"),
            (for_url("https://hooks.example.com:443/webhook/?b=2&a=1"), "port"),
            (for_url("https://hooks.example.com/webhook?b=2&a=1"), "slash"),
            (for_url("https://hooks.example.com/webhook/?a=1&b=2"), "query_order"),
            (for_url("https://hooks.example.com/webhook/"), "query_extra"),
            (for_url("https://user:p@ss@hooks.example.com/webhook/?b=2&a=1"), "credentials"),
            (for_url("https://user:p%40ss@hooks.example.com/webhook/?b=2&a=1"), "credentials"),
            (for_url("http://hooks.example.com/webhook?b=2&a=1"), "scheme+slash"),
            (signed(b"k3y-Two_22chars_ghijKL", "https://hooks.example.com:8080/webhook/?b=2&a=1", &text), "port"),
            (signed(b"test-webhook", URL, &text), "public_key"),
            (signed(format!("main={KEY}").as_bytes(), URL, &text), "label_in_key"),
            (signed(KEY.as_bytes(), URL, ""), "no_fields"),
            (signed(KEY.as_bytes(), URL, &format!("mandrill_events{encoded}")), "undecoded"),
            (hex, "hex"),
            (BASE64_URL_SAFE_NO_PAD.encode(&right), "base64"),
            (strong, "sha256"),
            (signed(&decoded, URL, &text), "decoded_key"),
        ];
        for (signature, codes) in table {
            let found = find_for(&signature, VALUE).unwrap_or_else(|| panic!("{codes} should be found"));
            assert_eq!(found.codes(), codes);
            assert!(!found.detail.contains("p@ss") && !found.detail.contains("p%40ss"), "{}", found.detail);
        }
        for received in [
            r#"[{"event":"open","url":"https://example.com/","subject":"Café"}]"#,
            r#"[ {"event": "open", "url": "https://example.com/", "subject": "Café"} ]"#,
        ] {
            assert_eq!(find_for(&for_url(URL), received).map(|found| found.codes()).as_deref(), Some("json"), "{received}");
        }
    }

    #[test]
    fn path_and_query_of_the_request_are_tried() {
        let at = |path: &str, query: Option<&str>, url: &str| {
            let signature = signed(KEY.as_bytes(), url, &format!("mandrill_events{VALUE}"));
            find_at(path, query, &signature, VALUE, MAX_HASHED_BYTES).map(|found| found.codes())
        };
        assert_eq!(at("/in", None, "https://hooks.example.com/in?b=2&a=1").as_deref(), Some("path"));
        assert_eq!(at("/webhook/", Some("c=3"), "https://hooks.example.com/webhook/?c=3").as_deref(), Some("query_missing"));
        let long = "c".repeat(MAX_HEADER_BYTES + 1);
        assert_eq!(at("/webhook/", Some(long.as_str()), &format!("https://hooks.example.com/webhook/?{long}")), None, "too long");
    }

    #[test]
    fn the_key_of_the_url_check_is_accepted_for_that_check() {
        let signature = signed(b"test-webhook", "http://hooks.example.com/webhook?b=2&a=1", "mandrill_events[]");
        assert_eq!(find_for(&signature, "[]").map(|found| found.codes()).as_deref(), Some("scheme+slash"));
    }

    #[test]
    fn escapes_and_asterisks_of_php_are_tried() {
        let explained = |text: &str, received: &str| {
            let signature = signed(KEY.as_bytes(), URL, &format!("mandrill_events{text}"));
            find_for(&signature, received).map(|found| found.codes())
        };
        let (plain, escaped) = (r#"[{"a":"x\\/y"}]"#, r#"[{"a":"x\\\/y"}]"#);
        assert_eq!(explained(escaped, plain).as_deref(), Some("json"));
        assert_eq!(explained(plain, escaped).as_deref(), Some("json"));
        let value = r#"["*"]"#;
        assert_eq!(explained("%5B%22%2A%22%5D", value).as_deref(), Some("undecoded"));
        assert_eq!(explained("%5B%22*%22%5D", value).as_deref(), Some("undecoded"));
    }

    #[test]
    fn the_search_stops_when_its_budget_is_spent() {
        let value = format!("[\"{}\"]", "x".repeat(1 << 20));
        let url = "https://hooks.example.com:8080/webhook/?b=2&a=1";
        let signature = signed(b"k3y-Two_22chars_ghijKL", url, &format!("mandrill_events{value}"));
        let codes = |budget| find_at("/webhook/", None, &signature, &value, budget).map(|found| found.codes());
        assert_eq!(codes(MAX_HASHED_BYTES).as_deref(), Some("port"));
        assert_eq!(codes(3 << 20), None);
    }

    #[test]
    fn an_arbitrary_signature_has_no_explanation() {
        let arbitrary = BASE64_STANDARD.encode([7; 20]);
        assert_eq!(find_for(&arbitrary, VALUE), None);
        assert_eq!(find_for("", VALUE), None);
        assert_eq!(find_for(&arbitrary, &format!("[\"{}\"]", "x".repeat(1 << 20))), None);
    }
}
