//! The cookie that holds a sign-in in progress at the provider, so that any replica can complete it.

use http::HeaderMap;
use percent_encoding::percent_decode_str;
use shared::origin::Origins;
use shared::session;
use warp::reply::Response;

use crate::api::accounts::cookie;
use crate::api::accounts::oidc::provider::PendingSignIn;
use crate::api::accounts::oidc::return_path;
use crate::http::error::ApiError;

/// Time limit for signing in at the provider, in seconds.
const MAX_AGE: u32 = 10 * 60;

/// Sets the cookie.
pub(super) fn set(
    origins: &Origins,
    response: &mut Response,
    pending: &PendingSignIn,
    return_path: &str,
) -> Result<(), ApiError> {
    let return_path = return_path::encode(return_path);
    let value = format!("{}.{}.{}.{return_path}", pending.state, pending.nonce, pending.verifier);
    append(origins, response, &value, MAX_AGE)
}

/// Removes the cookie.
pub(super) fn clear(origins: &Origins, response: &mut Response) -> Result<(), ApiError> {
    append(origins, response, "", 0)
}

/// Reads the sign-in and its return path, if the request has a valid cookie.
pub(super) fn read(origins: &Origins, headers: &HeaderMap) -> Option<(PendingSignIn, String)> {
    session::cookie(headers, name(origins)).and_then(parse)
}

fn name(origins: &Origins) -> &'static str {
    if origins.all_secure() { "__Host-oidc" } else { "oidc" }
}

/// The cookie is `Lax` because the provider redirects back from its own site.
fn append(origins: &Origins, response: &mut Response, value: &str, max_age: u32) -> Result<(), ApiError> {
    cookie::append(origins, response, name(origins), value, &format!("Max-Age={max_age}; SameSite=Lax"))
}

fn parse(value: &str) -> Option<(PendingSignIn, String)> {
    let mut parts = value.splitn(4, '.').map(str::to_owned);
    let pending = PendingSignIn { state: parts.next()?, nonce: parts.next()?, verifier: parts.next()? };
    let return_path = percent_decode_str(&parts.next()?).decode_utf8().ok()?.into_owned();
    return_path::is_safe(&return_path).then_some((pending, return_path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incomplete_cookies_and_unsafe_return_paths_are_ignored() {
        assert!(parse("s.n.v.%2Fstats").is_some_and(|(pending, path)| pending.verifier == "v" && path == "/stats"));
        assert!(parse("s.n.v.%2F%2Fevil.example").is_none() && parse("s.n.v").is_none() && parse("").is_none());
    }
}
