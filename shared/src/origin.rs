//! Origins whose pages can act on behalf of a signed-in user.

use std::fmt;
use std::str::FromStr;

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

/// The origins that serve the dashboard, in lower case. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Returns the primary origin, which external sign-in redirects back to.
    pub fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Returns true if the request's `Host` matches an origin other than the primary one.
    pub fn is_alternate_host(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let has_host = |origin: &String| origin.split_once("://").is_some_and(|(_, own)| own.eq_ignore_ascii_case(host));
        self.0.iter().position(has_host).is_some_and(|index| index > 0)
    }

    /// Returns true if every origin uses https, so that cookies can require it.
    pub fn all_secure(&self) -> bool {
        self.0.iter().all(|origin| origin.starts_with("https://"))
    }

    /// Returns true if the request's `Origin` is one of ours.
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        origin.is_some_and(|origin| self.0.iter().any(|ours| ours.eq_ignore_ascii_case(origin)))
    }

    /// Returns true if the request is allowed to change state: it was sent by a script (`X-Requested-With: fetch`) and not from a foreign
    /// page.
    pub fn allow_change(&self, headers: &HeaderMap) -> bool {
        let by_script = headers.get("x-requested-with").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"fetch"));
        by_script && (!headers.contains_key(ORIGIN) || self.allow(headers))
    }
}

impl FromStr for Origins {
    type Err = OriginsError;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let origins: Vec<String> =
            list.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(str::to_lowercase).collect();
        let is_valid = |origin: &String| {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', '*']))
        };
        match origins.iter().find(|origin| !is_valid(origin)) {
            Some(origin) => Err(OriginsError::Malformed(origin.clone())),
            None if origins.is_empty() => Err(OriginsError::Empty),
            None => Ok(Self(origins)),
        }
    }
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// The reason `PUBLIC_ORIGINS` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OriginsError {
    /// The list is empty.
    #[error("at least one origin is required")]
    Empty,
    /// An origin does not have the form `scheme://host[:port]`.
    #[error("`{0}` is not an origin; expected scheme://host[:port] without a path")]
    Malformed(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn only_exact_origins_are_allowed() {
        let ours: Origins = "https://mail.example.com, http://127.0.0.1:8080".parse().expect("origins");
        assert!(ours.allow(&headers(&[("origin", "https://mail.example.com")])));
        for foreign in
            ["http://mail.example.com", "https://mail.example.com.evil.example", "https://mail.example.com:444", "null"]
        {
            assert!(!ours.allow(&headers(&[("origin", foreign)])), "{foreign}");
        }
        assert!(!ours.allow(&HeaderMap::new()));
        assert!(!ours.all_secure());
    }

    #[test]
    fn state_changes_require_the_fetch_header_and_no_foreign_origin() {
        let ours: Origins = "https://mail.example.com".parse().expect("origins");
        assert!(ours.allow_change(&headers(&[("x-requested-with", "fetch")])));
        assert!(ours.allow_change(&headers(&[("x-requested-with", "fetch"), ("origin", "https://mail.example.com")])));
        assert!(!ours.allow_change(&headers(&[("x-requested-with", "fetch"), ("origin", "https://evil.example")])));
        assert!(!ours.allow_change(&headers(&[("origin", "https://mail.example.com")])));
    }

    #[test]
    fn invalid_origin_lists_are_rejected() {
        for list in ["", "mail.example.com", "https://*", "https://mail.example.com/path", "https://"] {
            assert!(list.parse::<Origins>().is_err(), "{list}");
        }
    }
}
