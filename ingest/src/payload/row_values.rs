//! Values that a payload and the columns of its row have in common are stored in the columns alone.
//!
//! Before a payload is compressed, one byte replaces each string that equals the value of a column. JSON does not allow these bytes anywhere, so that
//! they cannot be mistaken for anything else. A string is replaced only if it is written as PHP or most others write it, so that it comes back byte for
//! byte.

use std::ops::Deref;

use memchr::memchr_iter;

/// Number of columns with one text, of tags, and of values that are replaced.
const TEXTS: usize = 11;
const TAGS: usize = 2;
const COLUMNS: usize = TEXTS + TAGS;
/// Shorter values are left: they save nothing.
const MIN_BYTES: usize = 4;
/// What stands for the values: for each as it is, and then for each as PHP writes it.
const MARKS: [[u8; COLUMNS]; 2] =
    [[1, 2, 3, 4, 5, 6, 7, 8, 14, 15, 16, 17, 18], [19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]];

/// The values of a row that its payload may repeat: `message_id`, `recipient`, `sender`, `subject`, `template`, `url`, `ip`, `user_agent`, `diagnostic`,
/// `country`, `city` and the first two of `tags`. The function `payload_values` of the database returns the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct RowValues<'a>(pub [Option<&'a str>; COLUMNS]);

impl<'a> RowValues<'a> {
    /// The values of a row: its texts in the order above, and all its tags.
    pub(crate) fn of<T: Deref<Target = str>>(texts: [&'a Option<T>; TEXTS], tags: &'a [T]) -> Self {
        let mut row = Self::default();
        let tags = tags.iter().take(TAGS).map(|tag| Some(&**tag));
        for (value, given) in row.0.iter_mut().zip(texts.map(Option::as_deref).into_iter().chain(tags)) {
            *value = given;
        }
        row
    }

    /// The values as `payload_values` returns them.
    pub(crate) fn from_database(values: &'a [Option<String>]) -> Self {
        let mut row = Self::default();
        for (value, stored) in row.0.iter_mut().zip(values) {
            *value = stored.as_deref();
        }
        row
    }

    /// Appends the payload to `text`, with marks instead of the values. Returns false if the payload is not JSON.
    pub(super) fn remove_from(self, payload: &str, text: &mut Vec<u8>) -> bool {
        let payload = payload.as_bytes();
        // Without an early return, the compiler compares many bytes at a time.
        if payload.iter().fold(false, |found, byte| found | (*byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r'))) {
            return false;
        }
        let values = Values::of(self);
        let (mut start, mut copied) = (0, 0);
        for end in memchr_iter(b'"', payload) {
            if let Some(mark) = values.mark_of(&payload[start..end]) {
                text.extend_from_slice(&payload[copied..start]);
                text.push(mark);
                copied = end;
            }
            start = end + 1;
        }
        text.extend_from_slice(&payload[copied..]);
        true
    }

    /// Puts the values back in place of their marks. `None` if a value is missing, or if the payload becomes longer than `max_bytes`.
    pub(super) fn put_into(self, text: Vec<u8>, max_bytes: usize) -> Option<Vec<u8>> {
        let Some(first) = text.iter().position(|byte| mark_of(*byte).is_some()) else { return Some(text) };
        let mut payload = Vec::with_capacity(2 * text.len());
        payload.extend_from_slice(&text[..first]);
        for byte in &text[first..] {
            match mark_of(*byte) {
                None => payload.push(*byte),
                Some((form, column)) => form.write(self.0[column]?, &mut payload),
            }
            if payload.len() > max_bytes {
                return None;
            }
        }
        Some(payload)
    }
}

/// How a string is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Without any escape.
    Plain,
    /// As by `json_encode` of PHP, which escapes slashes and all characters beyond ASCII.
    Php,
}

impl Form {
    fn write(self, value: &str, payload: &mut Vec<u8>) {
        if self == Self::Plain {
            payload.extend_from_slice(value.as_bytes());
            return;
        }
        for character in value.chars() {
            match character {
                '/' => payload.extend_from_slice(br"\/"),
                _ if character.is_ascii() => payload.push(character as u8),
                _ => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        payload.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                    }
                }
            }
        }
    }
}

/// The form and the column for which a byte stands.
fn mark_of(byte: u8) -> Option<(Form, usize)> {
    let position = |form: usize| MARKS[form].iter().position(|mark| *mark == byte);
    if byte >= b' ' {
        return None;
    }
    position(0).map(|column| (Form::Plain, column)).or_else(|| position(1).map(|column| (Form::Php, column)))
}

/// The values that are replaced in a payload.
struct Values<'a> {
    /// The mark and the value.
    plain: Vec<(u8, &'a [u8])>,
    /// The mark and the value as PHP writes it, where that differs.
    php: Vec<(u8, Vec<u8>)>,
    /// The bits of their lengths, modulo 64.
    lengths: u64,
}

impl<'a> Values<'a> {
    fn of(row: RowValues<'a>) -> Self {
        let mut values = Self { plain: Vec::with_capacity(COLUMNS), php: Vec::new(), lengths: 0 };
        for (column, value) in row.0.into_iter().enumerate() {
            let Some(value) = value.filter(|value| value.len() >= MIN_BYTES) else { continue };
            let any = |is_one: fn(u8) -> bool| value.bytes().fold(false, |found, byte| found | is_one(byte));
            if any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
                continue;
            }
            values.lengths |= 1 << (value.len() % 64);
            values.plain.push((MARKS[0][column], value.as_bytes()));
            if any(|byte| byte == b'/' || !byte.is_ascii()) {
                let mut written = Vec::with_capacity(2 * value.len());
                Form::Php.write(value, &mut written);
                values.lengths |= 1 << (written.len() % 64);
                values.php.push((MARKS[1][column], written));
            }
        }
        values
    }

    /// The mark for a part of the payload between two quotes, if it is a value.
    fn mark_of(&self, part: &[u8]) -> Option<u8> {
        if self.lengths >> (part.len() % 64) & 1 == 0 {
            return None;
        }
        let plain = self.plain.iter().find(|(_, value)| *value == part).map(|(mark, _)| *mark);
        plain.or_else(|| self.php.iter().find(|(_, value)| value == part).map(|(mark, _)| *mark))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn row(values: &[(usize, &'static str)]) -> RowValues<'static> {
        let mut row = RowValues::default();
        for (column, value) in values {
            row.0[*column] = Some(value);
        }
        row
    }

    fn shortened(row: RowValues<'_>, payload: &str) -> Vec<u8> {
        let mut text = Vec::new();
        assert!(row.remove_from(payload, &mut text), "{payload}");
        assert_eq!(row.put_into(text.clone(), usize::MAX).as_deref(), Some(payload.as_bytes()));
        text
    }

    #[test]
    fn strings_that_equal_values_are_replaced_in_both_forms() {
        let row = row(&[(1, "ada@example.com"), (3, "Café / bar"), (5, "https://example.com/a"), (7, r"a\bc")]);
        assert_eq!(
            shortened(row, r#"{"email":"ada@example.com","x":"to ada@example.com"}"#),
            b"{\"email\":\"\x02\",\"x\":\"to ada@example.com\"}"
        );
        assert_eq!(
            shortened(row, r#"["Caf\u00e9 \/ bar","Café / bar","Caf\u00E9 / bar"]"#),
            b"[\"\x16\",\"\x04\",\"Caf\\u00E9 / bar\"]"
        );
        assert_eq!(shortened(row, r#"["https:\/\/example.com\/a","https://example.com/a"]"#), b"[\"\x18\",\"\x06\"]");
        assert_eq!(shortened(row, r#"["a\\bc","a\"bc"]"#), br#"["a\\bc","a\"bc"]"#);
    }

    #[test]
    fn what_is_not_json_or_cannot_be_put_back_is_noticed() {
        let row = row(&[(1, "ada@example.com")]);
        assert!(!row.remove_from("{\"email\":\"\x02\"}", &mut Vec::new()));
        assert_eq!(RowValues::default().put_into(b"\"\x02\"".to_vec(), 100), None);
        assert_eq!(row.put_into(b"\"\x02\x02\"".to_vec(), 20), None);
    }

    #[test]
    fn marks_are_no_white_space_and_no_two_are_equal() {
        let mut marks = MARKS.as_flattened().to_vec();
        marks.sort_unstable();
        marks.dedup();
        assert_eq!(marks.len(), 2 * COLUMNS);
        assert!(marks.iter().all(|mark| *mark < b' ' && !mark.is_ascii_whitespace() && mark_of(*mark).is_some()));
    }

    proptest! {
        #[test]
        fn any_payload_comes_back(values in prop::collection::vec(any::<Option<String>>(), COLUMNS), others in prop::collection::vec(any::<String>(), 0..4)) {
            let row = RowValues::from_database(&values);
            let strings = values.iter().flatten().chain(&others).map(|text| Value::from(text.as_str()));
            let plain = json!({"msg": strings.collect::<Vec<_>>()}).to_string();
            let mut php = String::new();
            for character in plain.replace('/', r"\/").chars() {
                if character.is_ascii() {
                    php.push(character);
                } else {
                    character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| php.push_str(&format!("\\u{unit:04x}")));
                }
            }
            for payload in [plain, php] {
                shortened(row, &payload);
            }
        }
    }
}
