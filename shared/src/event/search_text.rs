//! The searchable text of events.

use unicode_normalization::UnicodeNormalization;

/// Delimiters around the subject in an event's searchable text, for subject-only searches. Folded words never contain them.
pub const SUBJECT: (char, char) = ('\u{1e}', '\u{1f}');

/// Normalises text for comparison, so that a search does not depend on how the text was typed.
///
/// It applies NFKC and case folding (a sharp s is `ss`, a final sigma is a sigma, and `I` and `i` are one letter with or without their dots),
/// drops invisible characters, and separates words by one space. SQL searches and the notifier's filters both use this function, so that their
/// results agree.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(&mut folded, text);
    folded
}

/// Appends the folded words of `text`. A space precedes each word, except at the start of `folded` or of the subject.
pub fn fold_into(folded: &mut String, text: &str) {
    for word in text.split_whitespace() {
        // Nearly all words are ASCII.
        if word.is_ascii() {
            push_ascii_word(folded, word);
        } else {
            // A character can stand for several words.
            fold_characters(word).split_whitespace().for_each(|word| push_word(folded, word));
        }
    }
}

/// Folds an event's searchable text again that an older version folded.
pub fn refold(search: &str) -> String {
    let mut folded = String::with_capacity(search.len());
    let (before, rest) = search.split_once(SUBJECT.0).map_or((search, None), |(before, rest)| (before, Some(rest)));
    fold_into(&mut folded, before);
    if let Some(rest) = rest {
        let (subject, after) = rest.split_once(SUBJECT.1).unwrap_or((rest, ""));
        folded.push(SUBJECT.0);
        fold_into(&mut folded, subject);
        folded.push(SUBJECT.1);
        fold_into(&mut folded, after);
    }
    folded
}

/// Folds text as version 0.2.0 did: lower case only. Events that have not been folded again are searched for this form.
pub fn fold_as_version_0_2(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.to_lowercase().chars().filter(|character| !character.is_control()));
    }
    folded
}

fn push_separator(folded: &mut String) {
    if !folded.is_empty() && !folded.ends_with(SUBJECT.0) {
        folded.push(' ');
    }
}

fn push_word(folded: &mut String, word: &str) {
    push_separator(folded);
    folded.push_str(word);
}

fn push_ascii_word(folded: &mut String, word: &str) {
    if word.bytes().all(|byte| byte.is_ascii_graphic()) {
        push_separator(folded);
        let start = folded.len();
        folded.push_str(word);
        folded[start..].make_ascii_lowercase();
    } else if word.chars().any(|character| !character.is_control()) {
        push_separator(folded);
        folded.extend(word.chars().filter(|character| !character.is_control()).map(|character| character.to_ascii_lowercase()));
    }
}

/// Applies NFKC and case folding, and drops characters that have no shape. Texts are decomposed first, because folding turns some marks into
/// letters, which must then follow the other marks.
fn fold_characters(word: &str) -> String {
    let visible = word.chars().filter(|character| !has_no_shape(*character));
    let mut folded = String::with_capacity(word.len());
    for character in visible.nfkd() {
        match character {
            '\u{131}' => folded.push('i'),
            // The dot above a capital I that is decomposed.
            '\u{307}' if folded.ends_with('i') => {}
            // By way of upper case, which makes final sigmas ordinary ones and expands ligatures; a capital sharp s has an upper case only
            // by way of its lower case.
            character => folded.extend(character.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase)),
        }
    }
    // Folding can leave letters and marks apart that NFKC puts together.
    folded.nfkc().filter(|character| !has_no_shape(*character)).collect()
}

/// Control characters, and the characters that Unicode calls default ignorable: soft hyphens, zero-width spaces and joiners, marks of
/// direction, variation selectors, tags and fillers.
pub(crate) fn has_no_shape(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fff8}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Returns the folded subject from an event's searchable text.
pub(crate) fn subject_of(search: &str) -> Option<&str> {
    let (_, rest) = search.split_once(SUBJECT.0)?;
    rest.split_once(SUBJECT.1).map(|(subject, _)| subject)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_that_people_take_for_the_same_are_folded_alike() {
        let table: &[&[&str]] = &[
            &["\u{39f}\u{394}\u{39f}\u{3a3}", "\u{3bf}\u{3b4}\u{3bf}\u{3c2}", "\u{3bf}\u{3b4}\u{3bf}\u{3c3}"],
            &["Stra\u{df}e", "STRASSE", "STRA\u{1e9e}E"],
            &["\u{130}stanbul", "Istanbul", "istanbul", "\u{131}stanbul", "I\u{307}stanbul", "i\u{307}stanbul"],
            &["caf\u{e9}", "CAF\u{c9}", "cafe\u{301}", "cafe\u{200b}\u{301}"],
            &["zero", "ze\u{ad}ro", "ze\u{200b}ro", "\u{feff}zero", "ze\u{2060}ro", "\u{ff3a}\u{ff25}\u{ff32}\u{ff2f}"],
            &["fix", "\u{fb01}x"],
            &["a b", "a\u{a0}b", " A\u{3000}B\t", "a\u{2003}b", "a \u{200b} b"],
            &["\u{212b}ngstr\u{f6}m", "\u{e5}ngstro\u{308}m"],
            &["\u{1f44d}\u{fe0f}", "\u{1f44d}"],
        ];
        for same in table {
            for text in *same {
                assert_eq!(fold(text), fold(same[0]), "{text:?}");
            }
        }
        assert_eq!(fold("  Caf\u{c9}\tBAR \u{a0}\u{39f}\u{394}\u{39f}\u{3a3} "), "caf\u{e9} bar \u{3bf}\u{3b4}\u{3bf}\u{3c3}");
        assert_eq!(fold("a\u{1e}B\u{85}c\u{7f}"), "ab c");
        assert_eq!((fold(""), fold("\u{200b} \u{1}")), (String::new(), String::new()));
    }

    #[test]
    fn a_searchable_text_keeps_its_subject_when_it_is_folded_again() {
        let old = "ada@example.com\u{1e}stra\u{df}e \u{3bf}\u{3b4}\u{3bf}\u{3c2}\u{1f} vip i\u{307}zmir";
        let new = "ada@example.com\u{1e}strasse \u{3bf}\u{3b4}\u{3bf}\u{3c3}\u{1f} vip izmir";
        assert_eq!((refold(old), refold(new)), (new.to_owned(), new.to_owned()));
        assert_eq!(refold("\u{1e}only\u{1f}"), "\u{1e}only\u{1f}");
    }

    #[test]
    fn every_character_is_folded_to_something_stable() {
        for character in (char::MIN..=char::MAX)
            .filter(|character| !matches!(character, '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{20000}'..))
        {
            for text in [format!("a{character}i"), format!("{character}\u{301}\u{345}")] {
                let folded = fold(&text);
                assert_eq!(fold(&folded), folded, "{text:?}");
                assert_eq!(fold(&fold_as_version_0_2(&text)), folded, "{text:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// Random texts of all planes.
        #[test]
        fn folding_is_stable_whatever_folded_before(text in prop::collection::vec(any::<char>(), 0..12)) {
            let text: String = text.into_iter().collect();
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded.clone());
            prop_assert_eq!(fold(&fold_as_version_0_2(&text)), folded.clone());
            prop_assert!(!folded.contains(SUBJECT.0) && !folded.contains(SUBJECT.1));
        }
    }
}
