//! The searchable text of events.

/// Delimiters around the subject in an event's searchable text, for subject-only searches. Folded words never contain them.
pub const SUBJECT: (char, char) = ('\u{1e}', '\u{1f}');

/// Normalises text for comparison: lower case, one space between words, no control characters. SQL searches and the notifier's
/// filters both use this function, so that their results agree.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(&mut folded, text);
    folded
}

/// Appends the folded words of `text`. A space precedes each word, except at the start of `folded` or of the subject.
pub fn fold_into(folded: &mut String, text: &str) {
    for word in text.split_whitespace() {
        if !folded.is_empty() && !folded.ends_with(SUBJECT.0) {
            folded.push(' ');
        }
        // Fast path for nearly all words: printable ASCII.
        if word.bytes().all(|byte| byte.is_ascii_graphic()) {
            let start = folded.len();
            folded.push_str(word);
            folded[start..].make_ascii_lowercase();
        } else {
            folded.extend(word.to_lowercase().chars().filter(|character| !character.is_control()));
        }
    }
}

/// Returns the folded subject from an event's searchable text.
pub(crate) fn subject_of(search: &str) -> Option<&str> {
    let (_, rest) = search.split_once(SUBJECT.0)?;
    rest.split_once(SUBJECT.1).map(|(subject, _)| subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_normalises_case_whitespace_and_control_characters() {
        assert_eq!(fold("  Caf\u{c9}\tBAR \u{a0}\u{39f}\u{394}\u{39f}\u{3a3} "), "caf\u{e9} bar \u{3bf}\u{3b4}\u{3bf}\u{3c2}");
        assert_eq!(fold(""), "");
        assert_eq!(fold("a\u{1e}B\u{85}c\u{7f}"), "ab c");
    }
}
