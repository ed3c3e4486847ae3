//! Handles JSON escapes that Postgres or serde would reject: NUL and lone surrogates are replaced with U+FFFD.

use serde_json::Value;

/// Decodes JSON escapes in a single pass.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let (letter, length) = match (from.as_bytes().get(1), utf16_unit(from)) {
            (_, Some(first)) => {
                let units = [first].into_iter().chain(from.get(6..).and_then(utf16_unit));
                let letter = char::decode_utf16(units).next().and_then(Result::ok).filter(|letter| *letter != '\0');
                let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
                (letter, 6 * letter.len_utf16())
            }
            (Some(b'n'), _) => ('\n', 2),
            (Some(b'r'), _) => ('\r', 2),
            (Some(b't'), _) => ('\t', 2),
            (Some(b'b'), _) => ('\u{8}', 2),
            (Some(b'f'), _) => ('\u{c}', 2),
            // A quote, a slash or a backslash.
            (Some(itself), _) => (char::from(*itself), 2),
            (None, _) => break,
        };
        plain.push(letter);
        rest = from.get(length..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

/// Replaces NUL with U+FFFD in the value, including in field names.
pub(super) fn replace_nul(value: Value) -> Value {
    let clean = |text: String| text.replace('\0', "\u{fffd}");
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(values) => values.into_iter().map(replace_nul).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (clean(name), replace_nul(value))).collect(),
        other => other,
    }
}

/// Replaces every escaped lone surrogate in the JSON with `\ufffd`.
pub(super) fn replace_lone_surrogates(json: &str) -> String {
    let mut repaired = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        repaired.push_str(before);
        let (kept, length) = match (surrogate(from), from.get(6..).and_then(surrogate)) {
            (Some(Surrogate::High), Some(Surrogate::Low)) => (&from[..12], 12),
            (Some(_), _) => ("\\ufffd", 6),
            (None, _) => {
                let escape = from.char_indices().nth(2).map_or(from.len(), |(end, _)| end);
                (&from[..escape], escape)
            }
        };
        repaired.push_str(kept);
        rest = &from[length..];
    }
    repaired.push_str(rest);
    repaired
}

enum Surrogate {
    High,
    Low,
}

/// Returns the surrogate at the start of `text`, if it starts with one in the form `\uXXXX`.
fn surrogate(text: &str) -> Option<Surrogate> {
    match utf16_unit(text)? {
        0xD800..=0xDBFF => Some(Surrogate::High),
        0xDC00..=0xDFFF => Some(Surrogate::Low),
        _ => None,
    }
}

/// Returns the UTF-16 code unit at the start of `text`, if it starts with one in the form `\uXXXX`.
fn utf16_unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_lone_surrogates_are_replaced() {
        assert_eq!(
            replace_lone_surrogates(r#""\ud83d\ude00 \ud83d \ude00 \\ud83d \u00e9""#),
            r#""\ud83d\ude00 \ufffd \ufffd \\ud83d \u00e9""#
        );
    }

    proptest! {
        #[test]
        fn valid_json_stays_unchanged(text in any::<String>()) {
            let json = serde_json::to_string(&text).expect("a string should serialise");
            prop_assert_eq!(replace_lone_surrogates(&json), json);
        }

        #[test]
        fn no_text_causes_a_panic(text in "[\\\\ud8DcC0-9a\"é ]{0,60}") {
            let _ = replace_lone_surrogates(&text);
        }
    }
}
