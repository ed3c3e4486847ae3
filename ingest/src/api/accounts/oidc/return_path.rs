//! The path on this site that a user returns to after signing in at the provider.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::http::page::Pairs;

/// Maximum length of the percent-encoded path in bytes. The path is stored in a cookie, which browsers limit to 4,096 bytes.
const MAX_ENCODED_LENGTH: usize = 2_048;
/// Characters that are escaped in a path, in addition to non-ASCII characters.
const CONTROLS_AND_SPACE: &AsciiSet = &CONTROLS.add(b' ');

/// The `next` parameter with non-ASCII characters escaped, or `/` if it is missing, unsafe or too long.
pub(super) fn from_query(query: &Pairs) -> String {
    let next = query.get("next").map(|next| utf8_percent_encode(next, CONTROLS_AND_SPACE).to_string());
    next.filter(|next| is_safe(next) && encode(next).len() <= MAX_ENCODED_LENGTH).unwrap_or_else(|| "/".to_owned())
}

/// Escapes the path for use in a query string or a cookie.
pub(super) fn encode(path: &str) -> String {
    utf8_percent_encode(path, NON_ALPHANUMERIC).to_string()
}

/// True if every browser resolves the path within this site and a header can contain it.
pub(super) fn is_safe(path: &str) -> bool {
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    path.starts_with('/') && !path.starts_with("//") && is_plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_safe() {
        assert!(is_safe("/messages/abc?x=1#y"));
        for foreign in ["", "https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "evil", "/é", "/a b"]
        {
            assert!(!is_safe(foreign), "{foreign}");
        }
    }

    #[test]
    fn missing_unsafe_and_too_long_paths_become_the_root() {
        let from_query = |query: &str| from_query(&Pairs::read(query));
        assert_eq!(from_query("next=%2Fstats%3Fq%3Dcaf%C3%A9+noir"), "/stats?q=caf%C3%A9%20noir");
        assert_eq!(from_query(&format!("next=/{}", "x/".repeat(700))), "/");
        assert_eq!(from_query("next=//evil.example"), "/");
        assert_eq!(from_query(""), "/");
    }
}
