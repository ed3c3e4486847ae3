//! `application/x-www-form-urlencoded`, decoded to bytes and not to text.
//!
//! The signature covers the decoded bytes, so nothing may be mended on the way: the usual crates turn bytes that are not
//! UTF-8 into U+FFFD, which would break a signature that is right, and let repeated fields pass, of which it is not known how
//! they are signed. Decoding never makes text longer, so it happens inside the body's own buffer, and a delivery is held once.

use std::ops::Range;

/// More fields than anything but an attack would send; Mandrill sends one.
const MOST_FIELDS: usize = 64;
/// What a hexadecimal digit stands for; `NO_DIGIT` for every other byte.
const HEX: [u8; 256] = hex_table();
const NO_DIGIT: u8 = 0xff;

/// Why a form cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A `%` without two hexadecimal digits.
    #[error("The form holds a broken percent-escape.")]
    Escape,
    /// Two fields of the same name.
    #[error("The form holds a field twice.")]
    Repeated,
    /// Too many fields.
    #[error("The form holds too many fields.")]
    TooMany,
    /// `mandrill_events` is not among the fields.
    #[error("The form holds no field `mandrill_events`.")]
    NoEvents,
}

impl FormError {
    /// Stable, for programs and for the table of refusals.
    pub fn code(self) -> &'static str {
        match self {
            Self::Escape => "form_broken",
            Self::Repeated => "form_field_repeated",
            Self::TooMany => "form_too_many_fields",
            Self::NoEvents => "form_without_events",
        }
    }
}

/// A decoded form.
#[derive(Debug, PartialEq, Eq)]
pub struct Form {
    bytes: Vec<u8>,
    /// Where names and values lie, in the order of the names, in which they are signed.
    fields: Vec<(Range<usize>, Range<usize>)>,
}

impl Form {
    /// Decodes a body in place.
    ///
    /// # Errors
    /// On a broken escape, a repeated name, or too many fields.
    pub fn decode(mut bytes: Vec<u8>) -> Result<Self, FormError> {
        let mut fields = Vec::new();
        let mut start = 0;
        while start < bytes.len() {
            let end = memchr::memchr(b'&', &bytes[start..]).map_or(bytes.len(), |at| start + at);
            if start < end {
                if fields.len() == MOST_FIELDS {
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

    /// Names and values, in the order of the names.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|(name, value)| (&self.bytes[name.clone()], &self.bytes[value.clone()]))
    }

    /// The buffer, and where in it the value of `mandrill_events` lies.
    ///
    /// # Errors
    /// `NoEvents` when there is none.
    pub fn into_events(self) -> Result<(Vec<u8>, Range<usize>), FormError> {
        let found = self.fields.iter().find(|(name, _)| &self.bytes[name.clone()] == b"mandrill_events");
        let value = found.map(|(_, value)| value.clone()).ok_or(FormError::NoEvents)?;
        Ok((self.bytes, value))
    }
}

/// Decodes what lies in `range` to its beginning, and gives where it lies now.
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

    /// The same meaning said slowly: split, then each field byte by byte through text.
    fn slowly(body: &[u8]) -> Option<Vec<Field>> {
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
        (names.len() == fields.len() && fields.len() <= MOST_FIELDS).then_some(fields)
    }

    #[test]
    fn fields_are_decoded_to_bytes_and_sorted() {
        let expected = [field("alpha", b"\xff\0"), field("empty", b""), field("flag", b""), field("zeta", b"a b c")];
        assert_eq!(fields(b"zeta=a+b%20c&&alpha=%ff%00&flag&empty=").expect("a form"), expected);
        assert_eq!(fields(b"").expect("an empty form"), []);
        let form = Form::decode(b"x=1&mandrill_events=%5B%5d".to_vec()).expect("a form");
        let (bytes, value) = form.into_events().expect("events");
        assert_eq!(&bytes[value], b"[]");
        assert_eq!(Form::decode(b"x=1".to_vec()).expect("a form").into_events(), Err(FormError::NoEvents));
    }

    #[test]
    fn what_cannot_be_decoded_is_refused() {
        for broken in ["a=%", "a=%4", "a=%zz", "%g0=1", "a=%+1", "a=%1&b=2"] {
            assert_eq!(fields(broken.as_bytes()), Err(FormError::Escape), "{broken}");
        }
        assert_eq!(fields(b"a=1&b=2&a=1"), Err(FormError::Repeated));
        assert_eq!(fields(b"a=1&%61=2"), Err(FormError::Repeated), "the same name, written differently");
        let many = (0..=MOST_FIELDS).map(|n| format!("f{n}=")).collect::<Vec<_>>().join("&");
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
        fn it_agrees_with_a_slow_decoder(body in "[a-c%=&+0-9A-F\\x00é]{0,60}") {
            prop_assert_eq!(fields(body.as_bytes()).ok(), slowly(body.as_bytes()));
        }

        #[test]
        fn garbage_never_panics(body in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(fields(&body).ok(), slowly(&body));
        }
    }
}
