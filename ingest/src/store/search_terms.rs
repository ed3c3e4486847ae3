//! The terms that an event is indexed by: integers, all in one GIN index.
//!
//! The cost of a GIN index grows with the number of its entries. Three-character grams are sufficient to find a word, because every match
//! is compared with the whole word. A field's whole value is a single entry; a separate index for the field would cost as much as ten
//! entries. The database functions `event_grams` and `event_value` compute the same terms, for events stored by an older version.

/// This bit is clear in grams and set in values.
const VALUE: u32 = 1 << 31;

/// Appends a term for every three consecutive characters within a word of a folded text. ASCII punctuation and whitespace
/// separate words; every other character is part of a word.
pub(crate) fn grams(text: &str, terms: &mut Vec<i32>) {
    let (mut first, mut second, mut length) = (0, 0, 0);
    for character in text.chars() {
        if character.is_ascii() && !character.is_ascii_alphanumeric() {
            length = 0;
            continue;
        }
        let third = u32::from(character);
        length += 1;
        if length >= 3 {
            terms.push((((first << 20) ^ (second << 10) ^ third) & !VALUE).cast_signed());
        }
        (first, second) = (second, third);
    }
}

/// The term of a field's whole value: the 32-bit FNV-1a hash of `field=value`, with the high bit set.
pub(crate) fn value(field: &str, value: &str) -> i32 {
    let bytes = field.bytes().chain([b'=']).chain(value.bytes());
    let hash = bytes.fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash | VALUE).cast_signed()
}

/// The terms of an event, sorted and without duplicates.
pub(crate) fn of_event(
    search: &str,
    template: Option<&str>,
    subaccount: Option<&str>,
    url: Option<&str>,
    ip: Option<&str>,
) -> Vec<i32> {
    let mut terms = Vec::with_capacity(search.len());
    grams(search, &mut terms);
    let values = [("template", template), ("subaccount", subaccount), ("url", url), ("ip", ip)];
    terms.extend(values.into_iter().filter_map(|(field, text)| Some(value(field, text?))));
    terms.sort_unstable();
    terms.dedup();
    terms
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
    fn words_of_n_characters_have_n_minus_two_grams() {
        assert_eq!((count("order"), count("a.bc d-e\u{1e}f"), count("")), (3, 0, 0));
        assert_eq!((count("order 4711"), count("\u{e9}t\u{e9}"), count("\u{8acb}\u{6c42}\u{66f8}")), (5, 1, 1));
    }

    #[test]
    fn values_depend_on_their_field_and_never_equal_grams() {
        assert_ne!(value("ip", "198.51.100.7"), value("url", "198.51.100.7"));
        assert!(value("ip", "198.51.100.7") < 0 && value("", "") < 0);
    }
}
