//! The session cookie.

use http::HeaderMap;
use http::header::COOKIE;

use crate::origin::Origins;

/// Returns the session cookie's name: `__Host-sid` if every origin uses https, otherwise `sid`.
pub fn cookie_name(origins: &Origins) -> &'static str {
    if origins.all_secure() { "__Host-sid" } else { "sid" }
}

/// Returns the value of the cookie `name`, if the request has one.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .find_map(|pair| pair.trim().split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_by_their_exact_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "theme=dark; sid=abc".parse().expect("a header"));
        headers.append(COOKIE, "other=1".parse().expect("a header"));
        assert_eq!(cookie(&headers, "sid"), Some("abc"));
        assert_eq!(cookie(&headers, "id"), None);
        assert_eq!(cookie(&headers, "__Host-sid"), None);
    }
}
