//! Handles JSON escapes that Postgres or serde would reject: NUL and lone surrogates are replaced with U+FFFD.

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

/// Returns the UTF-16 code unit at the start of `text`, if it starts with one in the form `\uXXXX`.
fn utf16_unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}
