//! `application/x-www-form-urlencoded`, decoded to bytes and not to text.
//!
//! The signature covers the decoded bytes, so nothing may be mended on the way: the usual crates turn bytes that are not
//! UTF-8 into U+FFFD, which would break a signature that is right, and let repeated fields pass, of which it is not known how they are signed.

/// One field: name and value, decoded.
pub type Field = (Vec<u8>, Vec<u8>);

/// More fields than anything but an attack would send; Mandrill sends one.
const MOST_FIELDS: usize = 64;

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

/// The fields in the order of their names, in which they are signed.
///
/// # Errors
/// On a broken escape, a repeated name, or too many fields.
pub fn decode(body: &[u8]) -> Result<Vec<Field>, FormError> {
    let mut fields = Vec::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        if fields.len() == MOST_FIELDS {
            return Err(FormError::TooMany);
        }
        let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &[][..]),
        };
        fields.push((unescape(name)?, unescape(value)?));
    }
    fields.sort_unstable();
    if fields.windows(2).any(|pair| pair[0].0 == pair[1].0) { Err(FormError::Repeated) } else { Ok(fields) }
}

/// The value of a field.
pub fn value<'a>(fields: &'a [Field], name: &str) -> Option<&'a [u8]> {
    fields.iter().find(|(known, _)| known == name.as_bytes()).map(|(_, value)| value.as_slice())
}

fn unescape(text: &[u8]) -> Result<Vec<u8>, FormError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(*digit).to_digit(16)).ok_or(FormError::Escape);
                u8::try_from(digit()? * 16 + digit()?).map_err(|_| FormError::Escape)?
            }
            other => other,
        });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field(name: &str, value: &[u8]) -> Field {
        (name.as_bytes().to_vec(), value.to_vec())
    }

    #[test]
    fn fields_are_decoded_to_bytes_and_sorted() {
        let fields = decode(b"zeta=a+b%20c&&alpha=%ff%00&flag&empty=").expect("a form");
        assert_eq!(fields, [field("alpha", b"\xff\0"), field("empty", b""), field("flag", b""), field("zeta", b"a b c")]);
        assert_eq!(value(&fields, "zeta"), Some(&b"a b c"[..]));
        assert_eq!(value(&fields, "none"), None);
        assert_eq!(decode(b"").expect("an empty form"), []);
    }

    #[test]
    fn what_cannot_be_decoded_is_refused() {
        for broken in ["a=%", "a=%4", "a=%zz", "%g0=1", "a=%+1"] {
            assert_eq!(decode(broken.as_bytes()), Err(FormError::Escape), "{broken}");
        }
        assert_eq!(decode(b"a=1&b=2&a=1"), Err(FormError::Repeated));
        assert_eq!(decode(b"a=1&%61=2"), Err(FormError::Repeated), "the same name, written differently");
        let many = (0..=MOST_FIELDS).map(|n| format!("f{n}=")).collect::<Vec<_>>().join("&");
        assert_eq!(decode(many.as_bytes()), Err(FormError::TooMany));
    }

    proptest! {
        #[test]
        fn any_bytes_survive_encoding_and_decoding(value in prop::collection::vec(any::<u8>(), 0..200)) {
            let escaped: String = value.iter().map(|byte| format!("%{byte:02x}")).collect();
            let form = format!("mandrill_events={escaped}");
            prop_assert_eq!(decode(form.as_bytes()), Ok(vec![field("mandrill_events", &value)]));
        }

        #[test]
        fn garbage_never_panics(body in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode(&body);
        }
    }
}
