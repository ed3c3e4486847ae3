//! Finds addresses that are written in a text as they are.

use std::ops::Range;

/// What stands for hidden characters.
pub const MASK: &str = "•••";

/// The characters that separate the name and the domain of an address: the sign itself, and its wide and small forms.
pub(super) const AT: [char; 3] = ['@', '＠', '﹫'];

/// The characters that end a name, besides blanks. Quoted names can have them.
const AROUND_NAMES: &str = "<>()[],;:\"";
/// Those that also end a name within a link.
const WITHIN_LINKS: &str = "/?&=#";

/// The names of the addresses in a text: where each begins and ends, in order and apart from each other.
pub(super) fn names(text: &str) -> Vec<Range<usize>> {
    let mut names: Vec<Range<usize>> = Vec::new();
    for (at, sign) in text.char_indices().filter(|(_, character)| AT.contains(character)) {
        let start = start_of_name(text, at);
        let name = &text[start..at];
        if name.is_empty() || is_masked(name) || !begins_with_domain(&text[at + sign.len_utf8()..]) {
            continue;
        }
        // A quoted name can contain what looks like another address.
        while names.last().is_some_and(|before| before.end > start) {
            names.pop();
        }
        names.push(start..at);
    }
    names
}

/// Returns true if the text contains an address whose domain has a dot: what random bytes hardly ever look like.
pub(super) fn has_certain_address(text: &str) -> bool {
    text.char_indices().filter(|(_, character)| AT.contains(character)).any(|(at, sign)| {
        let before = text[..at].chars().next_back();
        let is_name = before.is_some_and(|last| last == '"' || !(last.is_control() || ends_name(last, false)));
        is_name && !is_masked(&text[start_of_name(text, at)..at]) && has_dotted_domain(&text[at + sign.len_utf8()..])
    })
}

fn has_dotted_domain(text: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || ".-。".contains(character);
    let end = text.find(|character| !is_part(character)).unwrap_or(text.len());
    let domain = text[..end].trim_end_matches(['.', '-', '。']);
    domain.rsplit_once(['.', '。']).is_some_and(|(before, top)| {
        before.starts_with(char::is_alphanumeric) && top.chars().count() >= 2 && top.starts_with(char::is_alphabetic)
    })
}

fn begins_with_domain(text: &str) -> bool {
    let visible = text.trim_start_matches(is_invisible);
    visible.starts_with(|first: char| first.is_alphanumeric() || first == '[')
}

/// Returns true for characters without a shape, with which an address can be kept from being recognised, or broken into lines.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
        || character.is_control() && !character.is_whitespace()
}

/// Where the name that ends before `at` begins.
fn start_of_name(text: &str, at: usize) -> usize {
    let before = &text[..at];
    if let Some(quoted) = before.strip_suffix('"') {
        return quoted.rfind('"').unwrap_or(quoted.len());
    }
    let word = before.rfind(char::is_whitespace).map_or(0, |blank| after(text, blank));
    let is_link = before[word..].contains("://");
    before.rfind(|character| ends_name(character, is_link)).map_or(0, |end| after(text, end))
}

fn ends_name(character: char, is_link: bool) -> bool {
    character.is_whitespace()
        || AROUND_NAMES.contains(character)
        || AT.contains(&character)
        || (is_link && WITHIN_LINKS.contains(character))
}

/// The position after the character at `position`.
fn after(text: &str, position: usize) -> usize {
    position + text[position..].chars().next().map_or(0, char::len_utf8)
}

/// Returns true for what [`masked_name`] returns.
fn is_masked(name: &str) -> bool {
    name.strip_suffix(MASK).is_some_and(|shown| shown.chars().count() <= 1)
}

/// What is shown of a name: its first character.
pub(super) fn masked_name(name: &str) -> String {
    name.chars().take(1).chain(MASK.chars()).collect()
}
