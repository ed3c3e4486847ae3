//! What an event is found by: numbers, all in one index.
//!
//! A GIN index costs Postgres by its entries. Three letters of a word suffice to find it, since what was found is compared with
//! all of it; a field's whole value is one entry, where an index of its own would cost as much as ten. The functions `event_grams`
//! and `event_value` of the database say the same, for events of older versions.

/// Grams have this bit clear, and values have it set.
const VALUE: u32 = 1 << 31;

/// Appends each three letters in a row of a folded text. Letters are all signs but those of ASCII that are neither letter nor digit.
pub(crate) fn grams(text: &str, terms: &mut Vec<i32>) {
    let (mut first, mut second, mut length) = (0, 0, 0);
    for sign in text.chars() {
        if sign.is_ascii() && !sign.is_ascii_alphanumeric() {
            length = 0;
            continue;
        }
        let third = u32::from(sign);
        length += 1;
        if length >= 3 {
            terms.push((((first << 20) ^ (second << 10) ^ third) & !VALUE).cast_signed());
        }
        (first, second) = (second, third);
    }
}

/// A field's whole value: FNV-1a of both, 32 bits.
pub(crate) fn value(field: &str, value: &str) -> i32 {
    let signs = field.bytes().chain([b'=']).chain(value.bytes());
    let hash = signs.fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash | VALUE).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        let mut terms = Vec::new();
        grams(text, &mut terms);
        assert!(terms.iter().all(|term| *term >= 0), "{terms:?}");
        terms.len()
    }

    #[test]
    fn words_have_a_gram_for_all_letters_but_two() {
        assert_eq!((count("order"), count("a.bc d-e\u{1e}f"), count("")), (3, 0, 0));
        assert_eq!((count("order 4711"), count("\u{e9}t\u{e9}"), count("\u{8acb}\u{6c42}\u{66f8}")), (5, 1, 1));
    }

    #[test]
    fn values_are_of_their_field_and_no_grams() {
        assert_ne!(value("ip", "198.51.100.7"), value("url", "198.51.100.7"));
        assert!(value("ip", "198.51.100.7") < 0 && value("", "") < 0);
    }
}
