//! Decodes `application/x-www-form-urlencoded` bodies to bytes instead of text.
//!
//! The signature covers the decoded bytes, so decoding must not alter them: the usual crates replace invalid UTF-8 with U+FFFD, which
//! breaks a valid signature, and accept repeated fields, for which the signature is undefined. Decoding never makes the data longer, so it
//! is done in place, and only one copy of a delivery is held in memory.

use std::ops::Range;

/// Maximum number of form fields. Mandrill sends one.
const MAX_FIELDS: usize = 64;
/// The value of each hexadecimal digit; `NO_DIGIT` for every other byte.
const HEX: [u8; 256] = hex_table();
const NO_DIGIT: u8 = 0xff;

/// The reason a form is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A `%` is not followed by two hexadecimal digits.
    #[error("The form contains an invalid percent-escape.")]
    Escape,
    /// Two fields have the same name.
    #[error("The form contains a field twice.")]
    Repeated,
    /// The form has too many fields.
    #[error("The form contains too many fields.")]
    TooMany,
    /// The signature is valid, but there are further fields beside `mandrill_events`.
    #[error("The form is signed, but contains fields other than `mandrill_events`.")]
    Extra,
    /// The `mandrill_events` field is missing.
    #[error("The form does not contain the field `mandrill_events`.")]
    NoEvents,
}

impl FormError {
    /// A stable error code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Escape => "form_broken",
            Self::Repeated => "form_field_repeated",
            Self::TooMany => "form_too_many_fields",
            Self::Extra => "form_field_extra",
            Self::NoEvents => "form_without_events",
        }
    }
}

/// A decoded form.
#[derive(Debug, PartialEq, Eq)]
pub struct Form {
    bytes: Vec<u8>,
    /// The ranges of the names and values, sorted by name as for the signature.
    fields: Vec<(Range<usize>, Range<usize>)>,
}

impl Form {
    /// Decodes a body in place.
    ///
    /// # Errors
    /// On an invalid escape, a repeated name, or too many fields.
    pub fn decode(mut bytes: Vec<u8>) -> Result<Self, FormError> {
        let mut fields = Vec::new();
        let mut start = 0;
        while start < bytes.len() {
            let end = memchr::memchr(b'&', &bytes[start..]).map_or(bytes.len(), |at| start + at);
            if start < end {
                if fields.len() == MAX_FIELDS {
                    return Err(FormError::TooMany);
                }
                let equals = memchr::memchr(b'=', &bytes[start..end]).map_or(end, |at| start + at);
                let name = unescape(&mut bytes, start..equals)?;
                let value = unescape(&mut bytes, (equals + 1).min(end)..end)?;
                fields.push((name, value));
            }
            start = end + 1;
        }
        let name = |field: &(Range<usize>, Range<usize>)| &bytes[field.0.clone()];
        fields.sort_unstable_by(|one, other| name(one).cmp(name(other)));
        if fields.windows(2).any(|pair| name(&pair[0]) == name(&pair[1])) {
            return Err(FormError::Repeated);
        }
        Ok(Self { bytes, fields })
    }

    /// Returns the names and values, sorted by name.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|(name, value)| (&self.bytes[name.clone()], &self.bytes[value.clone()]))
    }

    /// Returns the buffer and the range of the `mandrill_events` value in it.
    ///
    /// A signature joins names and values without separators, so a signed form with several fields could be cut into other names and values
    /// and would still verify. Only a form with this single field proves its value.
    ///
    /// # Errors
    /// `NoEvents` if there is no such field, `Extra` if there are others.
    pub fn into_events(self) -> Result<(Vec<u8>, Range<usize>), FormError> {
        let found = self.fields.iter().find(|(name, _)| &self.bytes[name.clone()] == b"mandrill_events");
        let value = found.map(|(_, value)| value.clone()).ok_or(FormError::NoEvents)?;
        if self.fields.len() > 1 {
            return Err(FormError::Extra);
        }
        Ok((self.bytes, value))
    }
}

/// Decodes `range` in place and returns the range of the result, which can be shorter.
fn unescape(bytes: &mut [u8], range: Range<usize>) -> Result<Range<usize>, FormError> {
    let text = &mut bytes[range.clone()];
    let (mut read, mut write) = (0, 0);
    while let Some(&byte) = text.get(read) {
        read += 1;
        text[write] = match byte {
            b'+' => b' ',
            b'%' => {
                let &[high, low] = text.get(read..read + 2).ok_or(FormError::Escape)? else { return Err(FormError::Escape) };
                read += 2;
                match (HEX[usize::from(high)], HEX[usize::from(low)]) {
                    (NO_DIGIT, _) | (_, NO_DIGIT) => return Err(FormError::Escape),
                    (high, low) => high << 4 | low,
                }
            }
            other => other,
        };
        write += 1;
    }
    Ok(range.start..range.start + write)
}

const fn hex_table() -> [u8; 256] {
    let mut table = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit as usize] as usize] = digit;
        table[b"0123456789ABCDEF"[digit as usize] as usize] = digit;
        digit += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Field = (Vec<u8>, Vec<u8>);

    fn fields(body: &[u8]) -> Result<Vec<Field>, FormError> {
        let form = Form::decode(body.to_vec())?;
        Ok(form.fields().map(|(name, value)| (name.to_vec(), value.to_vec())).collect())
    }

    fn field(name: &str, value: &[u8]) -> Field {
        (name.as_bytes().to_vec(), value.to_vec())
    }

    /// A reference decoder that splits the body first and then decodes each field byte by byte.
    fn reference(body: &[u8]) -> Option<Vec<Field>> {
        let unescape = |text: &[u8]| {
            let mut bytes = Vec::new();
            let mut rest = text;
            while let Some((first, after)) = rest.split_first() {
                rest = after;
                match first {
                    b'+' => bytes.push(b' '),
                    b'%' => {
                        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                        if digits.starts_with('+') {
                            return None;
                        }
                        bytes.push(u8::from_str_radix(digits, 16).ok()?);
                        rest = &rest[2..];
                    }
                    other => bytes.push(*other),
                }
            }
            Some(bytes)
        };
        let mut fields = Vec::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            fields.push((unescape(halves.next()?)?, unescape(halves.next().unwrap_or_default())?));
        }
        fields.sort();
        let names: std::collections::BTreeSet<_> = fields.iter().map(|(name, _)| name.clone()).collect();
        (names.len() == fields.len() && fields.len() <= MAX_FIELDS).then_some(fields)
    }

    #[test]
    fn fields_are_decoded_to_bytes_and_sorted() {
        let expected = [field("alpha", b"\xff\0"), field("empty", b""), field("flag", b""), field("zeta", b"a b c")];
        assert_eq!(fields(b"zeta=a+b%20c&&alpha=%ff%00&flag&empty=").expect("the form should be valid"), expected);
        assert_eq!(fields(b"").expect("an empty form should be valid"), []);
        let form = Form::decode(b"&mandrill_events=%5B%5d&".to_vec()).expect("the form should be valid");
        let (bytes, value) = form.into_events().expect("the form should contain events");
        assert_eq!(&bytes[value], b"[]");
        for (form, error) in [("x=1", FormError::NoEvents), ("mandrill_events=[]&x=1", FormError::Extra)] {
            assert_eq!(Form::decode(form.into()).expect("the form should be valid").into_events(), Err(error), "{form}");
        }
    }

    #[test]
    fn invalid_forms_are_refused() {
        for broken in ["a=%", "a=%4", "a=%zz", "%g0=1", "a=%+1", "a=%1&b=2"] {
            assert_eq!(fields(broken.as_bytes()), Err(FormError::Escape), "{broken}");
        }
        assert_eq!(fields(b"a=1&b=2&a=1"), Err(FormError::Repeated));
        assert_eq!(fields(b"a=1&%61=2"), Err(FormError::Repeated), "the same name, written differently");
        let many = (0..=MAX_FIELDS).map(|n| format!("f{n}=")).collect::<Vec<_>>().join("&");
        assert_eq!(fields(many.as_bytes()), Err(FormError::TooMany));
    }

    proptest! {
        #[test]
        fn any_bytes_survive_encoding_and_decoding(value in prop::collection::vec(any::<u8>(), 0..200)) {
            let escaped: String = value.iter().map(|byte| format!("%{byte:02x}")).collect();
            let form = format!("mandrill_events={escaped}");
            prop_assert_eq!(fields(form.as_bytes()), Ok(vec![field("mandrill_events", &value)]));
        }

        #[test]
        fn it_agrees_with_the_reference_decoder(body in "[a-c%=&+0-9A-F\\x00é]{0,60}") {
            prop_assert_eq!(fields(body.as_bytes()).ok(), reference(body.as_bytes()));
        }

        #[test]
        fn arbitrary_bytes_agree_with_the_reference_decoder(body in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(fields(&body).ok(), reference(&body));
        }
    }
}
