//! Validation of the email addresses of accounts.

/// Maximum length of an address in characters.
const MAX_LENGTH: usize = 320;

/// True if `email` has a local part and a domain, no whitespace or control characters, and at most 320 characters.
pub(crate) fn is_email(email: &str) -> bool {
    let parts = email.rsplit_once('@');
    let has_parts = parts.is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty());
    has_parts
        && !email.contains(|letter: char| letter.is_whitespace() || letter.is_control())
        && email.chars().count() <= MAX_LENGTH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_need_both_parts_and_no_whitespace() {
        assert!(is_email("ann@example.com") && is_email("\"a@b\"@example.com"));
        for invalid in ["", "ann", "@example.com", "ann@", "ann @example.com", "ann@example.com\0"] {
            assert!(!is_email(invalid), "{invalid}");
        }
        let domain = "@example.com";
        assert!(is_email(&format!("{}{domain}", "é".repeat(320 - domain.len()))));
        assert!(!is_email(&format!("{}{domain}", "é".repeat(321 - domain.len()))));
    }
}
