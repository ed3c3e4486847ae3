use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn each(text: &str, form: impl Fn(char) -> String) -> String {
    text.chars().map(form).collect()
}

/// The encodings of a text that are looked for.
fn encodings(text: &str) -> Vec<String> {
    let percent = each(text, |character| character.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect());
    let mut encodings = vec![
        text.to_owned(),
        text.to_uppercase(),
        text.replace('@', "%40"),
        percent.clone(),
        percent.replace('%', "%25"),
        text.replace('@', "\\u0040"),
        each(text, |character| format!("\\u{:04x}", u32::from(character))),
        text.replace('@', "&#64;"),
        text.replace('@', "&commat;"),
        each(text, |character| format!("&#x{:X};", u32::from(character))),
        text.replace('@', "&amp;#64;"),
        text.replace('@', "&#00000000000064;"),
        text.replace('@', "%u0040"),
        text.replace('@', "@\u{200b}"),
        text.replace('@', "=40"),
        text.replace('@', "=\r\n=40"),
        text.replace('@', "+40"),
        hex(text),
        hex(text).to_uppercase(),
        hex(&percent),
        STANDARD.encode(percent),
    ];
    for prefix in ["", "x", "xy"] {
        for suffix in ["", "z"] {
            encodings.push(STANDARD.encode(format!("{prefix}{text}{suffix}")));
            encodings.push(URL_SAFE_NO_PAD.encode(format!("{prefix}{text}{suffix}")));
        }
    }
    encodings
}

#[test]
fn addresses_are_hidden_in_each_encoding() {
    for address in ["ada@example.com", "Ada.Lovelace+news@mail.example.com", "jürgen@münchen.example", "a@xn--mnchen-3ya.example"]
    {
        for encoded in encodings(address) {
            for text in [
                encoded.clone(),
                format!("550 <{encoded}>: no such user"),
                format!("https://example.com/u/{encoded}?a=1"),
                format!("https://example.com/u?e={encoded}&c=5#top"),
                format!("{{\"e\":\"{encoded}\"}}"),
            ] {
                let masked = mask(&text);
                assert!(!masked.contains(&encoded) && !reveals_address(&masked), "{text} became {masked}");
            }
        }
    }
}

#[test]
fn what_surrounds_an_address_stays() {
    for (text, expected) in [
        ("To Ada <ada@example.com>, b@example.org", "To Ada <a•••@example.com>, b•••@example.org"),
        ("550 5.1.1 \"very odd\"@example.com unknown", "550 5.1.1 \"•••@example.com unknown"),
        ("https://example.com/u?e=ada@example.com&c=5", "https://example.com/u?e=a•••@example.com&c=5"),
        ("https://example.com/u?e=ada%40example.com&c=5", "https://example.com/u?e=•••&c=5"),
        ("https://example.com/u/YWRhQGV4YW1wbGUuY29t/5", "https://example.com/u/•••/5"),
        ("return path bounce+ada=example.com@mail.example.com", "return path b•••@mail.example.com"),
        ("a•••@example.com", "a•••@example.com"),
        ("Half price @ the shop, 50 % off & more", "Half price @ the shop, 50 % off & more"),
        ("0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0",
            "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0",
        ),
        ("", ""),
    ] {
        assert_eq!(mask(text), expected);
    }
    assert_eq!(mask(&format!("{} ada@example.com", "x".repeat(MAX_BYTES))), MASK);
}

#[test]
fn an_address_is_hidden_even_if_it_is_malformed() {
    for (address, expected) in
        [("ada@example.com", "a•••@example.com"), ("ada", "a•••"), ("a@b@example.com", "a•••@example.com"), ("", "•••")]
    {
        assert_eq!(mask_address(address), expected);
    }
    assert!(!reveals_address(&mask_address("ada@YWRhQGV4YW1wbGUuY29t")));
}

#[test]
fn only_strings_of_json_change() {
    let json =
        r#"{"n": 1.50, "ada@example.com":["x \"ada\u0040example.com\"",null], "e":"😀 \\ ok", "big":123456789012345678901}"#;
    let expected =
        r#"{"n": 1.50, "a•••@example.com":["x \"a•••@example.com\"",null], "e":"😀 \\ ok", "big":123456789012345678901}"#;
    assert_eq!(mask_json(json), expected);
    assert_eq!(mask_json("\"open"), "\"\"");
}

#[test]
fn only_the_word_with_an_address_is_hidden_among_many_escapes() {
    let escapes = "%25=3D+2B&amp;%25".repeat(800);
    assert!(mask(&format!("{escapes} ada%40example.com")) == format!("{escapes} {MASK}"));
}

proptest! {
    #[test]
    fn no_text_reveals_an_address_once_masked(text in ".{0,60}", address in "[a-z]{1,5}@[a-z]{1,5}\\.[a-z]{2,3}", which in 0_usize..33) {
        let encoded = encodings(&address);
        let text = format!("{text}{}{text}", encoded[which % encoded.len()]);
        let masked = mask(&text);
        prop_assert!(!reveals_address(&masked), "{} became {}", text, masked);
        prop_assert_eq!(mask(&masked), masked.clone());
        prop_assert!(!reveals_address(&mask_address(&text)));
    }
}
