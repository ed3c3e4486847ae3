//! The terms that an event is indexed by: integers, all in one GIN index.
//!
//! The cost of a GIN index grows with the number of its entries. Common words are left out (`common_words.rs`). Three-character grams are
//! sufficient to find a word, because every match is compared with the whole word. A field's whole value is a single entry; a separate index
//! for the field would cost as much as ten entries. The database functions `event_grams` and `event_value` compute the same terms, for events stored by an older version.

use std::collections::HashSet;

/// This bit is clear in grams and set in values.
const VALUE: u32 = 1 << 31;

/// Words that the index leaves out, because a large part of all events contain them.
pub(crate) type CommonWords = HashSet<String>;

/// The words of a folded text that have grams. ASCII punctuation and whitespace separate words; every other character is part of a word.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|sign: char| sign.is_ascii() && !sign.is_ascii_alphanumeric()).filter(|word| word.chars().nth(2).is_some())
}

/// Appends a term for every three consecutive characters of a word.
pub(crate) fn grams(word: &str, terms: &mut Vec<i32>) {
    let (mut first, mut second) = (0, 0);
    for (place, character) in word.chars().enumerate() {
        let third = u32::from(character);
        if place >= 2 {
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

/// The terms of an event, without those of common words, sorted and without duplicates.
pub(crate) fn of_event(
    search: &str,
    common: &CommonWords,
    template: Option<&str>,
    subaccount: Option<&str>,
    url: Option<&str>,
    ip: Option<&str>,
) -> Vec<i32> {
    let mut terms = Vec::with_capacity(search.len());
    for word in words(search).filter(|word| !common.contains(*word)) {
        grams(word, &mut terms);
    }
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
        words(text).for_each(|word| grams(word, &mut terms));
        assert!(terms.iter().all(|term| *term >= 0), "{terms:?}");
        terms.len()
    }

    #[test]
    fn words_of_n_characters_have_n_minus_two_grams() {
        assert_eq!((count("order"), count("a.bc d-e\u{1e}f"), count("")), (3, 0, 0));
        assert_eq!((count("order 4711"), count("\u{e9}t\u{e9}"), count("\u{8acb}\u{6c42}\u{66f8}")), (5, 1, 1));
        assert_eq!((count("\u{e9}t"), count("ab")), (0, 0));
    }

    #[test]
    fn common_words_have_no_grams() {
        let terms = |common: &[&str]| {
            let common = common.iter().map(|word| (*word).to_owned()).collect();
            of_event("ada@example.com orders", &common, None, Some("eu"), None, None)
        };
        let all = terms(&[]);
        let without = terms(&["example", "com", "order"]);
        assert_eq!((all.len(), without.len()), (1 + 5 + 1 + 4 + 1, 1 + 4 + 1));
        assert!(without.iter().all(|term| all.contains(term)));
    }

    #[test]
    fn values_depend_on_their_field_and_never_equal_grams() {
        assert_ne!(value("ip", "198.51.100.7"), value("url", "198.51.100.7"));
        assert!(value("ip", "198.51.100.7") < 0 && value("", "") < 0);
    }
}
