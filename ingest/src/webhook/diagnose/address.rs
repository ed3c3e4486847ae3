//! An address in its parts, kept as they were typed, and what else it may have been.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::webhook::diagnose::{Asked, Cause, Variant};

/// `scheme://credentials@host:port/path?query`, each part as it was typed.
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

    /// As it is typed.
    pub(crate) fn text(&self) -> String {
        self.with_credentials(self.credentials.as_deref())
    }

    /// The same, for people to read.
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

    /// Itself, and each way in which parts of it may be otherwise; those that need the fewest mistakes first.
    pub(crate) fn variants(&self, asked: &Asked<'_>) -> Vec<Variant<Self>> {
        let mut variants = vec![(self.clone(), Vec::new())];
        self.extend(&mut variants, self.schemes(asked), Cause::Scheme, |address, scheme| address.scheme = scheme);
        self.extend(&mut variants, self.hosts(asked), Cause::Host, |address, host| address.host = host);
        self.extend(&mut variants, self.ports(asked), Cause::Port, |address, port| address.port = port);
        let mut paths = vec![(self.toggled_path(), Cause::Slash)];
        if asked.path != self.path && asked.path != paths[0].0 {
            paths.push((asked.path.to_owned(), Cause::Path));
        }
        for (path, cause) in paths {
            self.extend(&mut variants, vec![path], cause, |address, path| address.path = path);
        }
        for (query, cause) in self.queries(asked) {
            self.extend(&mut variants, vec![query], cause, |address, query| address.query = query);
        }
        self.extend(&mut variants, self.users(asked), Cause::Credentials, |address, user| address.credentials = user);
        variants
    }

    /// Adds to each variant so far what it becomes with one part changed, once: a part is not mistaken twice.
    fn extend<T: Clone>(&self, variants: &mut Vec<Variant<Self>>, parts: Vec<T>, cause: Cause, set: impl Fn(&mut Self, T)) {
        let before: Vec<Variant<Self>> = variants
            .iter()
            .filter(|(_, causes)| causes.len() < super::MOST_CAUSES && !causes.contains(&cause))
            .cloned()
            .collect();
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

    fn schemes(&self, asked: &Asked<'_>) -> Vec<String> {
        let other = if self.scheme == "https" { "http" } else { "https" };
        let asked = asked.scheme.filter(|scheme| ["http", "https"].contains(scheme));
        [Some(other), asked].into_iter().flatten().map(str::to_owned).collect()
    }

    fn hosts(&self, asked: &Asked<'_>) -> Vec<String> {
        let www = self.host.strip_prefix("www.").map_or_else(|| format!("www.{}", self.host), str::to_owned);
        asked.host.map(|host| split_port(host).0.to_owned()).into_iter().chain([www]).collect()
    }

    fn ports(&self, asked: &Asked<'_>) -> Vec<Option<String>> {
        let asked = asked.host.and_then(|host| split_port(host).1);
        let given = [asked, Some("443"), Some("80"), Some("8080")].into_iter().flatten().map(|port| Some(port.to_owned()));
        [None].into_iter().chain(given).collect()
    }

    fn toggled_path(&self) -> String {
        self.path.strip_suffix('/').map_or_else(|| format!("{}/", self.path), str::to_owned)
    }

    fn queries(&self, asked: &Asked<'_>) -> Vec<(Option<String>, Cause)> {
        let pairs = |query: &str| query.split('&').map(str::to_owned).collect::<BTreeSet<_>>();
        let mut queries = Vec::new();
        if let Some(ours) = &self.query {
            queries.push((None, Cause::QueryExtra));
            let mut sorted: Vec<&str> = ours.split('&').collect();
            sorted.sort_unstable();
            queries.push((Some(sorted.join("&")), Cause::QueryOrder));
            queries.push((Some(ours.split('&').rev().collect::<Vec<_>>().join("&")), Cause::QueryOrder));
        }
        if let Some(theirs) = asked.query {
            let same = self.query.as_deref().is_some_and(|ours| pairs(ours) == pairs(theirs));
            queries.push((Some(theirs.to_owned()), if same { Cause::QueryOrder } else { Cause::QueryMissing }));
        }
        queries
    }

    /// None, and those that the request brought: as they are, and encoded for an address.
    fn users(&self, asked: &Asked<'_>) -> Vec<Option<String>> {
        let basic = asked.authorization.and_then(|header| header.strip_prefix("Basic "));
        let sent = basic.and_then(|encoded| String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok());
        let encoded = sent.as_deref().and_then(|sent| sent.split_once(':')).map(|(user, password)| {
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
            format!("{}:{}", encode(user), encode(password))
        });
        [None].into_iter().chain([sent, encoded].into_iter().flatten().map(Some)).collect()
    }
}

/// Host and port; the colons of an IPv6 address lie in brackets.
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
    fn an_address_is_read_and_written_as_it_is() {
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
