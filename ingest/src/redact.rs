//! Addresses, and what others say, made fit to be printed.

/// Longest text in characters.
const LONGEST: usize = 500;
/// What a host follows; the second form is PHP's, in JSON.
const BEFORE_HOST: [&str; 2] = ["://", r":\/\/"];

/// The text on one line, cut where it is too long, its addresses without credentials: `https://***@host/…`.
pub fn printable(text: &str) -> String {
    let masked = without_credentials(text);
    let mut characters = masked.trim().chars().map(|character| if character.is_control() { ' ' } else { character });
    let mut line: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        line.push('…');
    }
    line
}

fn without_credentials(text: &str) -> String {
    let after_scheme = |text: &str| BEFORE_HOST.iter().filter_map(|mark| Some(text.find(mark)? + mark.len())).min();
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = after_scheme(rest) {
        let (before, after) = rest.split_at(start);
        let end = after.find(|character: char| r"/\?#".contains(character) || character.is_whitespace());
        masked.push_str(before);
        rest = after;
        if let Some(at) = after[..end.unwrap_or(after.len())].rfind('@') {
            masked.push_str("***");
            rest = &after[at..];
        }
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_masked_wherever_an_address_stands() {
        let table = [
            ("https://user:p%40ss@host/webhook/?b=2&a=1@2", "https://***@host/webhook/?b=2&a=1@2"),
            ("https://user:p@s's\"@host", "https://***@host"),
            ("POST to http://u@host/ and http://v:w@other/ failed", "POST to http://***@host/ and http://***@other/ failed"),
            (r#"Validation error: {"url":"https:\/\/u:p@host\/"}"#, r#"Validation error: {"url":"https:\/\/***@host\/"}"#),
            ("https://host/a@b ada@example.com", "https://host/a@b ada@example.com"),
            ("no address", "no address"),
            ("://", "://"),
        ];
        for (text, expected) in table {
            assert_eq!(printable(text), expected);
        }
    }

    #[test]
    fn what_is_printed_is_one_line_and_not_long() {
        assert_eq!(printable("failed with 500:\r\n\u{1b}[31mred\n"), "failed with 500:   [31mred");
        assert_eq!(printable(&"é".repeat(600)), "é".repeat(500) + "…");
    }
}
