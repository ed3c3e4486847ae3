//! A URL split into its parts without normalisation, and the URLs that it could be confused with.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::cause::{Cause, MAX_CAUSES, RefusedRequest, Variant};

/// `scheme://credentials@host:port/path?query`, with each part exactly as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    scheme: String,
    credentials: Option<String>,
    host: String,
    port: Option<String>,
    path: String,
    query: Option<String>,
}

impl Address {
    pub(crate) fn parse(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let (credentials, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let (host, port) = split_port(host);
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            scheme: scheme.to_owned(),
            credentials: owned(credentials),
            host: host.to_owned(),
            port: owned(port),
            path: path.to_owned(),
            query: owned(query),
        }
    }

    /// Returns the URL exactly as configured.
    pub(crate) fn text(&self) -> String {
        self.with_credentials(self.credentials.as_deref())
    }

    /// Returns the URL with masked credentials, for display.
    pub(crate) fn masked(&self) -> String {
        self.with_credentials(self.credentials.as_deref().map(|_| "***"))
    }

    fn with_credentials(&self, credentials: Option<&str>) -> String {
        let Self { scheme, host, path, .. } = self;
        let credentials = credentials.map(|user| format!("{user}@")).unwrap_or_default();
        let port = self.port.as_ref().map(|port| format!(":{port}")).unwrap_or_default();
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{scheme}://{credentials}{host}{port}{path}{query}")
    }

    /// Returns the URL and the URLs that result from one or more mistakes in it.
    pub(crate) fn variants(&self, request: &RefusedRequest<'_>) -> Vec<Variant<Self>> {
        let mut variants = vec![(self.clone(), Vec::new())];
        self.extend(&mut variants, self.schemes(request), Cause::Scheme, |address, scheme| address.scheme = scheme);
        self.extend(&mut variants, self.hosts(request), Cause::Host, |address, host| address.host = host);
        self.extend(&mut variants, self.ports(request), Cause::Port, |address, port| address.port = port);
        let mut paths = vec![(self.toggled_path(), Cause::Slash)];
        if request.path != self.path && request.path != paths[0].0 {
            paths.push((request.path.to_owned(), Cause::Path));
        }
        for (path, cause) in paths {
            self.extend(&mut variants, vec![path], cause, |address, path| address.path = path);
        }
        for (query, cause) in self.queries(request) {
            self.extend(&mut variants, vec![query], cause, |address, query| address.query = query);
        }
        self.extend(&mut variants, self.users(request), Cause::Credentials, |address, user| address.credentials = user);
        variants
    }

    /// For each variant, adds copies with one part replaced by each of `parts`. Each part is changed only once.
    fn extend<T: Clone>(&self, variants: &mut Vec<Variant<Self>>, parts: Vec<T>, cause: Cause, set: impl Fn(&mut Self, T)) {
        let before: Vec<Variant<Self>> =
            variants.iter().filter(|(_, causes)| causes.len() < MAX_CAUSES && !causes.contains(&cause)).cloned().collect();
        for part in parts {
            for (address, causes) in &before {
                let mut address = address.clone();
                set(&mut address, part.clone());
                if variants.iter().all(|(known, _)| *known != address) {
                    variants.push((address, causes.iter().copied().chain([cause]).collect()));
                }
            }
        }
    }

    fn schemes(&self, request: &RefusedRequest<'_>) -> Vec<String> {
        let other = if self.scheme == "https" { "http" } else { "https" };
        let requested = request.scheme.filter(|scheme| ["http", "https"].contains(scheme));
        [Some(other), requested].into_iter().flatten().map(str::to_owned).collect()
    }

    fn hosts(&self, request: &RefusedRequest<'_>) -> Vec<String> {
        let www = self.host.strip_prefix("www.").map_or_else(|| format!("www.{}", self.host), str::to_owned);
        request.host.map(|host| split_port(host).0.to_owned()).into_iter().chain([www]).collect()
    }

    fn ports(&self, request: &RefusedRequest<'_>) -> Vec<Option<String>> {
        let requested = request.host.and_then(|host| split_port(host).1);
        let given = [requested, Some("443"), Some("80"), Some("8080")].into_iter().flatten().map(|port| Some(port.to_owned()));
        [None].into_iter().chain(given).collect()
    }

    fn toggled_path(&self) -> String {
        self.path.strip_suffix('/').map_or_else(|| format!("{}/", self.path), str::to_owned)
    }

    fn queries(&self, request: &RefusedRequest<'_>) -> Vec<(Option<String>, Cause)> {
        let pairs = |query: &str| query.split('&').map(str::to_owned).collect::<BTreeSet<_>>();
        let mut queries = Vec::new();
        if let Some(ours) = &self.query {
            queries.push((None, Cause::QueryExtra));
            let mut sorted: Vec<&str> = ours.split('&').collect();
            sorted.sort_unstable();
            queries.push((Some(sorted.join("&")), Cause::QueryOrder));
            queries.push((Some(ours.split('&').rev().collect::<Vec<_>>().join("&")), Cause::QueryOrder));
        }
        if let Some(theirs) = request.query {
            let same = self.query.as_deref().is_some_and(|ours| pairs(ours) == pairs(theirs));
            queries.push((Some(theirs.to_owned()), if same { Cause::QueryOrder } else { Cause::QueryMissing }));
        }
        queries
    }

    /// Returns no credentials, the request's credentials unchanged, and the request's credentials percent-encoded.
    fn users(&self, request: &RefusedRequest<'_>) -> Vec<Option<String>> {
        let basic = request.authorization.and_then(|header| header.strip_prefix("Basic "));
        let sent = basic.and_then(|encoded| String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok());
        let encoded = sent.as_deref().and_then(|sent| sent.split_once(':')).map(|(user, password)| {
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
            format!("{}:{}", encode(user), encode(password))
        });
        [None].into_iter().chain([sent, encoded].into_iter().flatten().map(Some)).collect()
    }
}

/// Splits a host from its port. The colons in an IPv6 address are inside brackets.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing_and_writing_a_url_changes_nothing() {
        for url in [
            "https://user:p%40ss@hooks.example.com:8443/webhook/?b=2&a=1",
            "http://[::1]:8080/",
            "https://example.com",
            "https://example.com?x",
        ] {
            assert_eq!(Address::parse(url).text(), url);
        }
        assert_eq!(Address::parse("https://a:b@example.com/").masked(), "https://***@example.com/");
    }
}
