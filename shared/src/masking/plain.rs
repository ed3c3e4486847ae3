//! Decides which texts a caller who does not see addresses may search for a part.

use super::address::AT;

/// How an `@` can be written, in lower case. A `%` can be encoded itself.
const ENCODED_AT: [&str; 7] = ["%40", "%2540", "=40", "+40", "u0040", "\\x40", "commat"];
const BASE64_CHARS: usize = 8;

/// Returns true if the text may hold an address. A search for parts of such texts would find out the address piece by piece, so that it leaves
/// them out, although some hold none. The database function `may_hold_address` decides the same.
pub fn may_hold_address(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    text.contains(AT)
        || ENCODED_AT.iter().any(|code| lower.contains(code))
        || has_number(&lower, "#", "64")
        || has_number(&lower, "#x", "40")
        || may_hold_base64(text)
        || may_hold_hex(text)
}

/// Returns true if the text has the number of an entity, with any number of zeros before it.
fn has_number(text: &str, mark: &str, number: &str) -> bool {
    text.match_indices(mark).any(|(at, _)| text[at + mark.len()..].trim_start_matches('0').starts_with(number))
}

/// Returns true if there is a run of characters of base64 in which a capital follows a small letter or a digit.
fn may_hold_base64(text: &str) -> bool {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "+/-_".contains(character);
    text.split(|character| !is_part(character)).filter(|run| run.len() >= BASE64_CHARS).any(|run| {
        let follows = |pair: &[u8]| (pair[0].is_ascii_lowercase() || pair[0].is_ascii_digit()) && pair[1].is_ascii_uppercase();
        run.as_bytes().windows(2).any(follows)
    })
}

/// Returns true if there is a run of hexadecimal digits with the codes of an `@` and, later, of a dot.
fn may_hold_hex(text: &str) -> bool {
    text.split(|character: char| !character.is_ascii_hexdigit()).any(|run| {
        let (_, rest) = run.split_at_checked(2).unwrap_or_default();
        rest.split_once("40").is_some_and(|(_, after)| after.contains("2e") || after.contains("2E"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_hold_an_address_is_told_from_plain_texts() {
        for text in [
            "for ada@example.com",
            "ada＠example.com",
            "u?e=ada%2540example.com",
            "ada=40example.com",
            "ada&#0064;example.com",
            "ada&#X40;example.com",
            "ada&commat;example.com",
            "ada\\U0040example.com",
            "token YWRhQGV4YW1wbGUuY29t",
            "616461406578616D706C652E636F6D",
        ] {
            assert!(may_hold_address(text), "{text}");
        }
        for text in
            ["", "Your order 4711", "Rechtsschutzversicherung", "50 % off & more", "BLACK-FRIDAY-2026", "INVOICE 20124012"]
        {
            assert!(!may_hold_address(text), "{text}");
        }
    }
}
