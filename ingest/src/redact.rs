//! Makes URLs and text from other systems safe to print.

/// Maximum length in characters.
const MAX_LENGTH: usize = 500;
/// The separator before the host in a URL. The second form is how PHP escapes it in JSON.
const SCHEME_ENDS: [&str; 2] = ["://", r":\/\/"];

/// Returns the text on one line, truncated to 500 characters, with credentials in URLs masked: `https://***@host/…`.
pub fn printable(text: &str) -> String {
    let masked = mask_credentials(text);
    let mut characters = masked.trim().chars().map(|character| if character.is_control() { ' ' } else { character });
    let mut line: String = characters.by_ref().take(MAX_LENGTH).collect();
    if characters.next().is_some() {
        line.push('…');
    }
    line
}

fn mask_credentials(text: &str) -> String {
    let after_scheme = |text: &str| SCHEME_ENDS.iter().filter_map(|end| Some(text.find(end)? + end.len())).min();
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
    fn credentials_in_urls_are_masked() {
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
    fn text_is_reduced_to_one_line_and_truncated() {
        assert_eq!(printable("failed with 500:\r\n\u{1b}[31mred\n"), "failed with 500:   [31mred");
        assert_eq!(printable(&"é".repeat(600)), "é".repeat(500) + "…");
    }
}
