//! Which small mistake of setting up would explain a refused signature.
//!
//! What the sender may have done is tried, the fewest changes first: another address, another key, another form of the value or
//! of the signature. Only those who run the service are told what was found, never whoever posted.

mod address;

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

use crate::webhook::diagnose::address::Address;
use crate::webhook::form::Form;
use crate::webhook::signature::{Keys, URL_CHECK_KEY, Urls};

/// Bytes hashed in one search, at most: a tenth of a second.
const MOST_HASHED: usize = 128 << 20;
/// Mistakes that are assumed at once, at most.
const MOST_CAUSES: usize = 3;
/// Longer headers and queries are not tried: each would stand in hundreds of addresses.
const LONGEST: usize = 2 << 10;

/// What a refused request brought besides its form.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The signature header.
    pub signature: &'a [u8],
    /// `X-Forwarded-Proto`.
    pub scheme: Option<&'a str>,
    /// `Host`.
    pub host: Option<&'a str>,
    /// The path that was asked for.
    pub path: &'a str,
    /// What stood behind its question mark.
    pub query: Option<&'a str>,
    /// `Authorization`.
    pub authorization: Option<&'a str>,
}

/// One mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// http for https, or the other way round.
    Scheme,
    /// Another host.
    Host,
    /// A port too many or too few.
    Port,
    /// A slash at the end too many or too few.
    Slash,
    /// Another path.
    Path,
    /// The same query in another order.
    QueryOrder,
    /// A query that Mandrill has and we have not.
    QueryMissing,
    /// A query that we have and Mandrill has not.
    QueryExtra,
    /// A user and password in one of the addresses.
    Credentials,
    /// The JSON was written anew on its way.
    Json,
    /// The sender signed the value as it is encoded for the form.
    Undecoded,
    /// The sender signed the address alone.
    NoFields,
    /// The key of Mandrill's address check.
    PublicKey,
    /// The label was taken for part of the key.
    LabelInKey,
    /// The key was decoded before use.
    DecodedKey,
    /// Hexadecimal for base64.
    Hex,
    /// Another alphabet of base64, or no padding.
    Base64,
    /// SHA-256 for SHA-1.
    Sha256,
}

impl Cause {
    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::Scheme => "scheme",
            Self::Host => "host",
            Self::Port => "port",
            Self::Slash => "slash",
            Self::Path => "path",
            Self::QueryOrder => "query_order",
            Self::QueryMissing => "query_missing",
            Self::QueryExtra => "query_extra",
            Self::Credentials => "credentials",
            Self::Json => "json",
            Self::Undecoded => "undecoded",
            Self::NoFields => "no_fields",
            Self::PublicKey => "public_key",
            Self::LabelInKey => "label_in_key",
            Self::DecodedKey => "decoded_key",
            Self::Hex => "hex",
            Self::Base64 => "base64",
            Self::Sha256 => "sha256",
        }
    }

    /// What to do about it; none where the address says it all.
    fn advice(self) -> Option<&'static str> {
        match self {
            Self::Json => Some("The body is written anew on its way: let proxies pass it on as it is."),
            Self::Undecoded => Some("The sender signs the value as encoded; Mandrill signs it decoded."),
            Self::NoFields => Some("The sender signs the address alone; Mandrill signs the fields too."),
            Self::PublicKey => Some("The sender signs with `test-webhook`, which proves nothing; copy the webhook's own key."),
            Self::LabelInKey => Some("The sender signs with LABEL=KEY; only what follows the `=` is the key."),
            Self::DecodedKey => Some("The sender decodes the key from base64; Mandrill uses its text."),
            Self::Hex => Some("The sender writes the signature in hexadecimal; Mandrill writes base64."),
            Self::Base64 => Some("The sender writes another base64 than Mandrill, url-safe or without padding."),
            Self::Sha256 => Some("The sender signs with SHA-256; Mandrill signs with SHA-1."),
            _ => None,
        }
    }
}

/// What explains a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// Together.
    pub causes: Vec<Cause>,
    /// What was signed with or for, and what to change. Credentials are masked.
    pub detail: String,
}

impl NearMiss {
    /// The causes' codes, joined by `+`.
    pub fn codes(&self) -> String {
        self.causes.iter().map(|cause| cause.code()).collect::<Vec<_>>().join("+")
    }
}

/// Something that may stand in for what was expected, and which mistakes that would be.
type Variant<T> = (T, Vec<Cause>);

/// Looks for what explains the signature of this form.
pub fn find(keys: &Keys, urls: &Urls, form: &Form, asked: &Asked<'_>) -> Option<NearMiss> {
    search(keys, urls, form, asked, MOST_HASHED)
}

/// The same, with what may still be hashed.
fn search(keys: &Keys, urls: &Urls, form: &Form, asked: &Asked<'_>, mut budget: usize) -> Option<NearMiss> {
    let asked =
        &Asked { host: short(asked.host), query: short(asked.query), authorization: short(asked.authorization), ..*asked };
    let signatures = signatures(asked.signature);
    let is_check = form.fields().eq([(&b"mandrill_events"[..], &b"[]"[..])]);
    let keys = key_variants(keys, is_check);
    let addresses: Vec<(&str, Variant<Address>)> =
        urls.iter().flat_map(|url| Address::parse(url).variants(asked).into_iter().map(move |variant| (url, variant))).collect();
    let texts = text_variants(form);
    for count in 1..=MOST_CAUSES {
        // Keyed by what is hashed, so that presentations of the signature cost nothing more.
        let mut hashed: HashMap<(usize, usize, usize, bool), Vec<u8>> = HashMap::new();
        for (signature, by_signature) in &signatures {
            let strong = signature.len() == 32;
            for (k, ((label, secret), by_key)) in keys.iter().enumerate() {
                for (a, (url, (address, by_address))) in addresses.iter().enumerate() {
                    for (t, (text, by_text)) in texts.iter().enumerate() {
                        let causes: Vec<Cause> =
                            [by_signature, by_key, by_address, by_text].into_iter().flatten().copied().collect();
                        if causes.len() != count {
                            continue;
                        }
                        if let std::collections::hash_map::Entry::Vacant(entry) = hashed.entry((k, a, t, strong)) {
                            let signed_for = address.text();
                            budget = budget.checked_sub(signed_for.len() + text.len() + 256)?;
                            entry.insert(mac(secret, &signed_for, text, strong));
                        }
                        if hashed.get(&(k, a, t, strong)) == Some(signature) {
                            return Some(near_miss(causes, label, url, address));
                        }
                    }
                }
            }
        }
    }
    None
}

fn short(text: Option<&str>) -> Option<&str> {
    text.filter(|text| text.len() <= LONGEST)
}

fn near_miss(mut causes: Vec<Cause>, label: &str, url: &str, address: &Address) -> NearMiss {
    causes.sort_unstable();
    let mut detail: Vec<String> = causes.iter().filter_map(|cause| cause.advice()).map(str::to_owned).collect();
    let (ours, theirs) = (Address::parse(url).masked(), address.masked());
    if address.text() != url {
        let what = if ours == theirs { "with other credentials".to_owned() } else { format!("and WEBHOOK_URLS has {ours}") };
        detail.insert(0, format!("Signed for {theirs}, {what}: write the address there exactly as it is typed into Mandrill."));
    }
    detail.push(format!("The key is that of `{label}`."));
    NearMiss { causes, detail: detail.join(" ") }
}

fn mac(secret: &[u8], url: &str, text: &[u8], strong: bool) -> Vec<u8> {
    // HMAC takes a key of any length.
    if strong {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret) else { return Vec::new() };
        mac.chain_update(url).chain_update(text).finalize().into_bytes().to_vec()
    } else {
        let Ok(mac) = Hmac::<Sha1>::new_from_slice(secret) else { return Vec::new() };
        mac.chain_update(url).chain_update(text).finalize().into_bytes().to_vec()
    }
}

/// What the header may mean: 20 bytes, or the 32 of another hash.
fn signatures(header: &[u8]) -> Vec<Variant<Vec<u8>>> {
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
    add(unhex(text), Some(Cause::Hex));
    found
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len().is_multiple_of(2))?;
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// Label and secret of each key that may have signed. The key of the address check is right for that check, and for nothing else.
fn key_variants(keys: &Keys, is_check: bool) -> Vec<Variant<(String, Vec<u8>)>> {
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

/// What may have been signed behind the address.
fn text_variants(form: &Form) -> Vec<Variant<Vec<u8>>> {
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
    // PHP encodes the asterisk, browsers do not.
    for asterisk in ["%2A", "*"] {
        let encode = |value: &[u8]| form_urlencoded::byte_serialize(value).collect::<String>().replace('*', asterisk);
        let encoded = joined(&|value| encode(value).into_bytes());
        if variants.iter().all(|(known, _)| *known != encoded) {
            variants.push((encoded, vec![Cause::Undecoded]));
        }
    }
    variants
}

/// As PHP writes JSON: slashes escaped, nothing beyond ASCII.
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

/// The same JSON with its slashes plain. A backslash that is itself escaped escapes nothing.
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

/// The same JSON without white space between its tokens.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Base64 of 16 bytes, as Mandrill's are: the last letter leaves no bits over.
    const KEY: &str = "k3y-One_22chars_abcdEA";
    const URL: &str = "https://hooks.example.com/webhook/?b=2&a=1";

    fn form(value: &str) -> Form {
        let escaped: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        Form::decode(format!("mandrill_events={escaped}").into_bytes()).expect("a form")
    }

    fn find_for(signature: &str, value: &str) -> Option<NearMiss> {
        find_at("/webhook/", None, signature, value, MOST_HASHED)
    }

    fn find_at(path: &str, query: Option<&str>, signature: &str, value: &str, budget: usize) -> Option<NearMiss> {
        let asked = Asked {
            signature: signature.as_bytes(),
            scheme: None,
            host: Some("proxy.example.com:8080"),
            path,
            query,
            authorization: Some("Basic dXNlcjpwQHNz"),
        };
        let keys = format!("main={KEY},other=k3y-Two_22chars_ghijKL").parse().expect("keys");
        search(&keys, &URL.parse().expect("urls"), &form(value), &asked, budget)
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
        let hex: String = right.iter().map(|byte| format!("{byte:02x}")).collect();
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
            let found = find_for(&signature, VALUE).unwrap_or_else(|| panic!("{codes} is not found"));
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
    fn path_and_query_are_those_of_the_request() {
        let at = |path: &str, query: Option<&str>, url: &str| {
            let signature = signed(KEY.as_bytes(), url, &format!("mandrill_events{VALUE}"));
            find_at(path, query, &signature, VALUE, MOST_HASHED).map(|found| found.codes())
        };
        assert_eq!(at("/in", None, "https://hooks.example.com/in?b=2&a=1").as_deref(), Some("path"));
        assert_eq!(at("/webhook/", Some("c=3"), "https://hooks.example.com/webhook/?c=3").as_deref(), Some("query_missing"));
        let long = "c".repeat(LONGEST + 1);
        assert_eq!(at("/webhook/", Some(long.as_str()), &format!("https://hooks.example.com/webhook/?{long}")), None, "too long");
    }

    #[test]
    fn the_key_of_the_address_check_is_right_for_that_check() {
        let signature = signed(b"test-webhook", "http://hooks.example.com/webhook?b=2&a=1", "mandrill_events[]");
        assert_eq!(find_for(&signature, "[]").map(|found| found.codes()).as_deref(), Some("scheme+slash"));
    }

    #[test]
    fn escapes_and_asterisks_are_written_as_php_writes_them() {
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
    fn no_more_is_hashed_than_allowed() {
        let value = format!("[\"{}\"]", "x".repeat(1 << 20));
        let url = "https://hooks.example.com:8080/webhook/?b=2&a=1";
        let signature = signed(b"k3y-Two_22chars_ghijKL", url, &format!("mandrill_events{value}"));
        let codes = |budget| find_at("/webhook/", None, &signature, &value, budget).map(|found| found.codes());
        assert_eq!(codes(MOST_HASHED).as_deref(), Some("port"));
        assert_eq!(codes(3 << 20), None);
    }

    #[test]
    fn what_nothing_explains_is_not_explained_and_costs_a_bounded_time() {
        let nonsense = BASE64_STANDARD.encode([7; 20]);
        assert_eq!(find_for(&nonsense, VALUE), None);
        assert_eq!(find_for("", VALUE), None);
        assert_eq!(find_for(&nonsense, &format!("[\"{}\"]", "x".repeat(1 << 20))), None);
    }
}
