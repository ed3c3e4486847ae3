//! Which pages may speak for a signed-in user.

use std::fmt;
use std::str::FromStr;

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

/// The origins at which the dashboard is served, exact and in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Origins {
    /// The one to be led back to from elsewhere.
    pub fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// True when the request was made at one of them, and not at the first.
    pub fn is_alternate_host(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let is_at = |origin: &String| origin.split_once("://").is_some_and(|(_, known)| known.eq_ignore_ascii_case(host));
        self.0.iter().position(is_at).is_some_and(|place| place > 0)
    }

    /// True when every origin is https, so that cookies may demand it.
    pub fn all_secure(&self) -> bool {
        self.0.iter().all(|origin| origin.starts_with("https://"))
    }

    /// True when the request names one of our origins.
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        origin.is_some_and(|origin| self.0.iter().any(|ours| ours.eq_ignore_ascii_case(origin)))
    }

    /// True when a request that changes state may do so: sent by script (`X-Requested-With: fetch`), and from no foreign page.
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
        let plain = |origin: &String| {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', '*']))
        };
        match origins.iter().find(|origin| !plain(origin)) {
            Some(origin) => Err(OriginsError::Shape(origin.clone())),
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

/// Why `PUBLIC_ORIGINS` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OriginsError {
    /// No origin at all: nobody could sign in.
    #[error("at least one origin is needed")]
    Empty,
    /// Not `scheme://host[:port]`.
    #[error("`{0}` is not an origin: write scheme://host[:port], without a path")]
    Shape(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn the_match_is_exact() {
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
    fn a_change_needs_the_header_and_no_foreign_origin() {
        let ours: Origins = "https://mail.example.com".parse().expect("origins");
        assert!(ours.allow_change(&headers(&[("x-requested-with", "fetch")])));
        assert!(ours.allow_change(&headers(&[("x-requested-with", "fetch"), ("origin", "https://mail.example.com")])));
        assert!(!ours.allow_change(&headers(&[("x-requested-with", "fetch"), ("origin", "https://evil.example")])));
        assert!(!ours.allow_change(&headers(&[("origin", "https://mail.example.com")])));
    }

    #[test]
    fn a_list_with_a_mistake_is_refused() {
        for list in ["", "mail.example.com", "https://*", "https://mail.example.com/path", "https://"] {
            assert!(list.parse::<Origins>().is_err(), "{list}");
        }
    }
}
