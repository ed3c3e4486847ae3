//! An event's searchable text.

/// Around the subject in an event's searchable text, so that it can be searched alone. No folded word contains them.
pub const SUBJECT: (char, char) = ('\u{1e}', '\u{1f}');

/// Text made comparable: lower case, one space between words, no control characters. Done here for SQL and the notifier alike, so
/// that they agree.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(&mut folded, text);
    folded
}

/// Appends the words of `text`, made comparable, each after a space unless it is the first.
pub fn fold_into(folded: &mut String, text: &str) {
    for word in text.split_whitespace() {
        if !folded.is_empty() && !folded.ends_with(SUBJECT.0) {
            folded.push(' ');
        }
        // Nearly all words: letters, digits and signs of ASCII, and no control character.
        if word.bytes().all(|byte| byte.is_ascii_graphic()) {
            let start = folded.len();
            folded.push_str(word);
            folded[start..].make_ascii_lowercase();
        } else {
            folded.extend(word.to_lowercase().chars().filter(|letter| !letter.is_control()));
        }
    }
}

/// The subject within an event's searchable text.
pub(crate) fn subject_of(search: &str) -> Option<&str> {
    let (_, rest) = search.split_once(SUBJECT.0)?;
    rest.split_once(SUBJECT.1).map(|(subject, _)| subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_makes_comparable() {
        assert_eq!(fold("  Caf\u{c9}\tBAR \u{a0}\u{39f}\u{394}\u{39f}\u{3a3} "), "caf\u{e9} bar \u{3bf}\u{3b4}\u{3bf}\u{3c2}");
        assert_eq!(fold(""), "");
        assert_eq!(fold("a\u{1e}B\u{85}c\u{7f}"), "ab c");
    }
}
