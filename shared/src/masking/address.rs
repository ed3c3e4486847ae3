//! Finds addresses that are written in a text as they are.

use std::ops::Range;

use crate::event::has_no_shape;

/// What stands for hidden characters.
pub const MASK: &str = "•••";

/// The characters that separate the name and the domain of an address: the sign itself, and its wide and small forms.
pub(super) const AT: [char; 3] = ['@', '＠', '﹫'];

/// The characters that end a name, besides blanks. Quoted names can have them.
const AROUND_NAMES: &str = "<>()[],;:\"";
/// Those that also end a name within a link.
const WITHIN_LINKS: &str = "/?&=#";

/// A sign that may separate the name and the domain of an address.
struct Separator<'a> {
    /// Where the name before it begins and ends. Empty if there is none.
    name: Range<usize>,
    /// The text after it.
    rest: &'a str,
}

/// The separators in a text, in order. Each character is looked at once, since anybody can send a text full of them.
fn separators(text: &str) -> impl Iterator<Item = Separator<'_>> {
    let mut ends = NameEnds::default();
    text.char_indices().filter_map(move |(at, character)| {
        let after = at + character.len_utf8();
        let name = ends.start_of_name(text, at)..at;
        ends.pass(text, character, after);
        AT.contains(&character).then(|| Separator { name, rest: &text[after..] })
    })
}

/// Where a name that ends at the present position would begin.
#[derive(Default)]
struct NameEnds {
    /// After the last character that ends a name anywhere.
    anywhere: usize,
    /// After the last character that ends a name within a link.
    within_links: usize,
    /// Whether the present word is a link.
    is_link: bool,
    /// The positions of the last quotation mark, and of the one before.
    quotes: [Option<usize>; 2],
}

impl NameEnds {
    fn start_of_name(&self, text: &str, at: usize) -> usize {
        if text[..at].ends_with('"') {
            return self.quotes[1].unwrap_or(at - 1);
        }
        if self.is_link { self.anywhere.max(self.within_links) } else { self.anywhere }
    }

    /// Goes on to `after`, the position after a character.
    fn pass(&mut self, text: &str, character: char, after: usize) {
        if character == '"' {
            self.quotes = [Some(after - 1), self.quotes[0]];
        }
        if ends_name(character) {
            self.anywhere = after;
        } else if WITHIN_LINKS.contains(character) {
            self.within_links = after;
        }
        self.is_link = !character.is_whitespace() && (self.is_link || text[..after].ends_with("://"));
    }
}

/// The names of the addresses in a text: where each begins and ends, in order and apart from each other.
pub(super) fn names(text: &str) -> Vec<Range<usize>> {
    let mut names: Vec<Range<usize>> = Vec::new();
    for Separator { name, rest } in separators(text) {
        if name.is_empty() || is_masked(&text[name.clone()]) || !begins_with_domain(rest) {
            continue;
        }
        // A quoted name can contain what looks like another address.
        while names.last().is_some_and(|before| before.end > name.start) {
            names.pop();
        }
        names.push(name);
    }
    names
}

/// Returns true if the text contains an address whose domain has a dot: what random bytes hardly ever look like.
pub(super) fn has_certain_address(text: &str) -> bool {
    separators(text).any(|Separator { name, rest }| {
        let last = text[..name.end].chars().next_back();
        let is_name = last.is_some_and(|last| last == '"' || !(last.is_control() || ends_name(last)));
        is_name && !is_masked(&text[name]) && has_dotted_domain(rest)
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
    // Characters without a shape can keep an address from being recognised.
    let visible = text.trim_start_matches(|character: char| has_no_shape(character) && !character.is_whitespace());
    visible.starts_with(|first: char| first.is_alphanumeric() || first == '[')
}

fn ends_name(character: char) -> bool {
    character.is_whitespace() || AROUND_NAMES.contains(character) || AT.contains(&character)
}

/// Returns true for what [`masked_name`] returns.
fn is_masked(name: &str) -> bool {
    name.strip_suffix(MASK).is_some_and(|shown| shown.chars().count() <= 1)
}

/// What is shown of a name: its first character.
pub(super) fn masked_name(name: &str) -> String {
    name.chars().take(1).chain(MASK.chars()).collect()
}
