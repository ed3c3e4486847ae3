//! Replaces what a payload says about people and mail by made-up text of the same shape, byte for byte as long.
//!
//! A dictionary contains pieces of the payloads that it is made from, so they must not contain personal data. Only the names of fields stay, and
//! public words and small numbers in the fields of [`PUBLIC_FIELDS`].

use std::collections::HashSet;
use std::sync::LazyLock;

use shared::json_text::string_bytes;

/// Fields whose words stay if they are public ones: kinds and states, clients, countries, and the replies of mail servers.
const PUBLIC_FIELDS: [&str; 33] = [
    "event",
    "type",
    "action",
    "state",
    "reason",
    "user_agent",
    "ua",
    "ua_family",
    "ua_name",
    "ua_version",
    "ua_url",
    "ua_company",
    "ua_company_url",
    "ua_icon",
    "os_family",
    "os_name",
    "os_url",
    "os_company",
    "os_company_url",
    "os_icon",
    "country_short",
    "country",
    "country_long",
    "timezone",
    "diag",
    "detail",
    "bounce_description",
    "result",
    "Content-Type",
    "Mime-Version",
    "Content-Transfer-Encoding",
    "description",
    "_version_of_schema",
];
/// Words that may stay. They are in lower case.
static PUBLIC_WORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("../../dictionary/public_words.txt").split_whitespace().collect());
/// The beginnings of links.
const SCHEMES: [&str; 4] = [r"https:\/\/", "https://", r"http:\/\/", "http://"];
/// Numbers with fewer digits stay in public fields.
const PRIVATE_DIGITS: usize = 6;
/// A longer name, or one with more digits, is not that of a field.
const MAX_NAME_BYTES: usize = 40;
const MAX_NAME_DIGITS: usize = 2;

/// A payload without what it said about people.
pub(super) struct Scrubbed {
    /// The payload with made-up text.
    pub(super) text: String,
    /// The texts that were replaced, as they stood.
    pub(super) replaced: Vec<String>,
}

/// Whether all words of a text are public ones.
pub(super) fn is_public(text: &str) -> bool {
    !text.contains(r"\u") && text.split(|sign: char| !sign.is_alphanumeric()).all(is_public_word)
}

/// Replaces what a payload says about people. `seed` decides on the made-up text.
pub(super) fn scrub(payload: &str, seed: u64) -> Scrubbed {
    let mut scrubbed = Scrubbed { text: String::with_capacity(payload.len()), replaced: Vec::new() };
    let mut letters = Letters(seed | 1);
    // The names of the fields around the current value.
    let mut name = "";
    let mut rest = payload;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_bytes(rest),
            '-' | '0'..='9' => {
                rest.find(|sign: char| !matches!(sign, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(rest.len())
            }
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        match first {
            '"' if rest.trim_start().starts_with(':') => {
                name = token.trim_matches('"');
                if is_field_name(name) {
                    scrubbed.text.push_str(token);
                } else {
                    scrubbed.replace(token, false, &mut letters);
                }
            }
            '"' => scrubbed.replace(token, PUBLIC_FIELDS.contains(&name), &mut letters),
            '-' | '0'..='9' if token.len() >= PRIVATE_DIGITS => {
                scrubbed.text.push_str(&letters.instead_of_number(token));
                scrubbed.replaced.push(token.to_owned());
            }
            _ => scrubbed.text.push_str(token),
        }
    }
    scrubbed
}

impl Scrubbed {
    /// Appends a string with made-up letters and digits. Public words stay if `is_public_field`.
    fn replace(&mut self, token: &str, is_public_field: bool, letters: &mut Letters) {
        let before = self.text.len();
        let inner = token.strip_prefix('"').unwrap_or(token);
        self.text.push('"');
        let scheme = SCHEMES.iter().find(|scheme| inner.starts_with(**scheme)).map_or(0, |scheme| scheme.len());
        let (scheme, inner) = inner.split_at(scheme);
        self.text.push_str(scheme);
        let mut rest = inner;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '\\' if rest.starts_with(r"\u") => 6,
                '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
                _ if first.is_alphanumeric() => rest.find(|sign: char| !sign.is_alphanumeric()).unwrap_or(rest.len()),
                _ => first.len_utf8(),
            };
            let (part, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            rest = after;
            match first {
                '\\' if length == 6 => self.text.push_str(&letters.instead_of_escape(part)),
                _ if !first.is_alphanumeric() || is_public_field && is_public_word(part) => self.text.push_str(part),
                _ => self.text.extend(part.chars().map(|sign| letters.instead_of(sign))),
            }
        }
        if self.text[before..] != *token {
            self.replaced.push(token.trim_matches('"').to_owned());
        }
    }
}

fn is_public_word(word: &str) -> bool {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return word.len() < PRIVATE_DIGITS;
    }
    PUBLIC_WORDS.contains(word.to_lowercase().as_str())
}

/// Whether a name can be that of a field rather than, say, an address or an id.
fn is_field_name(name: &str) -> bool {
    name.len() <= MAX_NAME_BYTES
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        && name.bytes().filter(u8::is_ascii_digit).count() <= MAX_NAME_DIGITS
}

/// Makes up letters and digits. The sequence is the same for the same seed; nobody needs to be unable to guess it.
struct Letters(u64);

impl Letters {
    fn next(&mut self, below: u8) -> u8 {
        // Xorshift: any sequence without a visible pattern will do.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u8::try_from(self.0 % u64::from(below)).unwrap_or_default()
    }

    fn instead_of(&mut self, sign: char) -> char {
        match sign {
            '0'..='9' => char::from(b'0' + self.next(10)),
            'A'..='Z' => char::from(b'A' + self.next(26)),
            // Ids are hexadecimal more often than not.
            'a'..='f' => char::from(b'a' + self.next(6)),
            _ if sign.is_ascii() => char::from(b'a' + self.next(26)),
            // As many bytes as before do not matter here.
            _ => '\u{e9}',
        }
    }

    fn instead_of_number(&mut self, number: &str) -> String {
        // Times share their first digits.
        let (first, rest) = number.split_at(2);
        first.chars().chain(rest.chars().map(|sign| if sign.is_ascii_digit() { self.instead_of(sign) } else { sign })).collect()
    }

    /// Instead of an escape such as `\u00e9`: one of the same script, mostly.
    fn instead_of_escape(&mut self, escape: &str) -> String {
        let kept = escape.get(..4).unwrap_or(escape);
        format!("{kept}{:x}{:x}", self.next(16), self.next(16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLICK: &str = r#"{"event":"click","ts":1790000123,"_id":"0af3c1d2e4f5","ip":"203.0.113.77","url":"https:\/\/shop.example.com\/o\/12?to=ada","user_agent":"Mozilla\/5.0 (Windows NT 10.0) Chrome\/131.0 ada@example.com","msg":{"email":"ada.lovelace@example.com","subject":"\u0410\u043d\u043d\u0430, your order","tags":["for-ada"],"metadata":{"customer":4711001,"ada@example.com":"gold-plan","user_4711":true,"plan":"silver"},"diag":"smtp;550 5.1.1 <ada.lovelace@example.com> user unknown"}}"#;

    #[test]
    fn what_a_payload_says_about_people_is_made_up() {
        let Scrubbed { text, replaced } = scrub(CLICK, 7);
        assert_eq!(text.len(), CLICK.len());
        for left in [
            "0af3c1d2e4f5",
            "203.0.113.77",
            "shop",
            "user_4711",
            "=ada",
            "ada@",
            "-ada",
            "lovelace",
            "order",
            r"\u0410",
            "for-",
            "4711001",
            "gold",
            "silver",
            "1790000123",
            "example",
        ] {
            assert!(!text.contains(left), "{left}: {text}");
        }
        for kept in [
            r#"{"event":"click","ts":17"#,
            r#""url":"https:\/\/"#,
            r"Mozilla\/5.0 (Windows NT 10.0) Chrome\/131.0 ",
            r#""metadata":{"customer":47"#,
            r#""plan":""#,
            "smtp;550 5.1.1 <",
            "> user unknown",
        ] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        for value in ["ada.lovelace@example.com", "gold-plan", "4711001", "0af3c1d2e4f5"] {
            assert!(replaced.iter().any(|text| text == value), "{value}: {replaced:?}");
        }
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
    }

    #[test]
    fn text_is_public_if_all_its_words_are() {
        assert!(is_public("Windows 10") && is_public("user unknown") && is_public("12345"));
        assert!(!is_public("Windows of Ada") && !is_public("123456") && !is_public(r"\u0410\u043d\u043d\u0430"));
    }
}
