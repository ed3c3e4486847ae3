//! Reads JSON as text, without decoding it.

/// The length of the string at the beginning of `json`, with its quotes. The rest of the text if the string does not end.
pub fn string_bytes(json: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}
