//! Signing in through an OpenID Connect provider: `/api/session/oidc` and its callback. Both are for browsers that go there, so
//! both answer by leading on; what the provider did wrong is said by the sign-in page.

pub mod provider;

use std::sync::Arc;

use http::header::{HeaderValue, LOCATION};
use http::{HeaderMap, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::json;
use shared::origin::Origins;
use shared::session::{User, cookie};
use sqlx::PgPool;
use warp::reply::{Reply, Response};

use crate::api::accounts::oidc::provider::{Attempt, Identity, NewUsers, ProviderError};
pub use crate::api::accounts::oidc::provider::{Oidc, Provider};
use crate::api::accounts::{audit, session};
use crate::http::error::ApiError;
use crate::http::page::Pairs;
use crate::state::AppState;

/// Seconds that somebody may take at the provider.
const PATIENCE: u32 = 10 * 60;
/// Bytes of the address to come back to, as the cookie has it: browsers keep 4,096 in all.
const LONGEST_NEXT: usize = 2_048;
/// What no address has as it is.
const SPACES: &AsciiSet = &CONTROLS.add(b' ');

/// Leads to the OpenID Connect provider, and from there back to `next`.
///
/// # Errors
/// 404 where no provider is configured.
#[utoipa::path(get, path = "/api/session/oidc", operation_id = "signInElsewhere", tag = "sessions", security(()),
    params(("next" = Option<String>, Query, description = "A path of this site.")),
    responses((status = 303, description = "To the provider, or back with a problem."),
        (status = 404, description = "`not_found`")))]
pub async fn begin(state: Arc<AppState>, headers: HeaderMap, query: Pairs) -> Result<Response, ApiError> {
    let provider = state.oidc.as_ref().ok_or(ApiError::NotFound)?;
    let next = destination(&query);
    // The provider leads back to the first of our addresses, and the cookie has to be there.
    if state.origins.is_alternate_host(&headers) {
        let next = utf8_percent_encode(&next, NON_ALPHANUMERIC);
        return lead_to(&format!("{}/api/session/oidc?next={next}", state.origins.first()));
    }
    let (address, attempt) = match provider.begin().await {
        Ok(begun) => begun,
        Err(error) => return failed(&state, &error),
    };
    let next = utf8_percent_encode(&next, NON_ALPHANUMERIC);
    let kept = format!("{}.{}.{}.{next}", attempt.state, attempt.nonce, attempt.verifier);
    let mut response = lead_to(&address)?;
    keep(&state.origins, &mut response, &kept, PATIENCE)?;
    Ok(response)
}

/// Where the provider leads back to: signs in, and leads to where one was going.
///
/// # Errors
/// 404 where no provider is configured.
#[utoipa::path(get, path = "/api/session/oidc/callback", operation_id = "returnFromElsewhere", tag = "sessions", security(()),
    params(("code" = Option<String>, Query, description = "The provider's."),
        ("state" = Option<String>, Query, description = "That with which one was led there.")),
    responses((status = 303, description = "To where one was going, or to the sign-in page with a problem."),
        (status = 404, description = "`not_found`")))]
pub async fn finish(state: Arc<AppState>, headers: HeaderMap, query: Pairs) -> Result<Response, ApiError> {
    let provider = state.oidc.as_ref().ok_or(ApiError::NotFound)?;
    // An answer that this browser did not ask for, or asked for long ago, signs nobody in.
    let kept = cookie(&headers, cookie_name(&state.origins)).and_then(read);
    let Some((attempt, next)) = kept.filter(|(attempt, _)| query.get("state").is_some_and(|state| state == attempt.state)) else {
        // Another one, begun later, may still come to an end: its cookie stays.
        return lead_to("/sign-in?problem=oidc_expired");
    };
    let Some(code) = query.get("code").map(str::to_owned) else { return lead_back(&state, "oidc_refused") };
    let identity = match provider.finish(attempt, code).await {
        Ok(identity) => identity,
        Err(error) => return failed(&state, &error),
    };
    let Some(user) = admit(&state.pool, provider, &identity).await? else { return lead_back(&state, "oidc_unknown") };
    let mut response = lead_to(&next)?;
    session::begin(&state, &headers, &user, &mut response).await?;
    keep(&state.origins, &mut response, "", 0)?;
    Ok(response)
}

/// The account of whom the provider vouches for: known by the provider's name for them, at first by their address.
async fn admit(pool: &PgPool, provider: &Provider, identity: &Identity) -> Result<Option<User>, ApiError> {
    let mut transaction = pool.begin().await?;
    let known = sqlx::query!(
        "select id, email, role, disabled_at is not null as \"is_disabled!\" from users where oidc_issuer = $1 and oidc_subject = $2",
        provider.issuer.as_str(),
        identity.subject
    );
    if let Some(known) = known.fetch_optional(&mut *transaction).await? {
        return if known.is_disabled { Ok(None) } else { user(known.id, known.email, &known.role).map(Some) };
    }
    let linked = sqlx::query!(
        "update users set oidc_issuer = $1, oidc_subject = $2
         where lower(email) = lower($3) and oidc_issuer is distinct from $1 and disabled_at is null returning id, email, role",
        provider.issuer.as_str(),
        identity.subject,
        identity.email
    );
    if let Some(linked) = linked.fetch_optional(&mut *transaction).await? {
        audit::note(&mut *transaction, linked.id, "user_linked", json!({"user": linked.id})).await?;
        transaction.commit().await?;
        return user(linked.id, linked.email, &linked.role).map(Some);
    }
    if provider.new_users == NewUsers::Refuse {
        return Ok(None);
    }
    let added = sqlx::query!(
        "insert into users (email, role, read_up_to, oidc_issuer, oidc_subject)
         select $1, 'viewer', coalesce(max(id), 0), $2, $3 from notifications
         on conflict (lower(email)) do nothing returning id, email, role",
        identity.email,
        provider.issuer.as_str(),
        identity.subject
    );
    let Some(added) = added.fetch_optional(&mut *transaction).await? else { return Ok(None) };
    audit::note(&mut *transaction, added.id, "user_added", json!({"user": added.id, "role": added.role})).await?;
    transaction.commit().await?;
    user(added.id, added.email, &added.role).map(Some)
}

fn user(id: i64, email: String, role: &str) -> Result<User, ApiError> {
    let role = role.parse().map_err(|_| ApiError::Internal("an unknown role in the database"))?;
    Ok(User { id, email, role })
}

/// True for a path of this site, which no browser takes for another one, and which a header can carry.
fn is_own_path(next: &str) -> bool {
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    next.starts_with('/') && !next.starts_with("//") && is_plain
}

/// The address to come back to, if it is one of ours; what is no ASCII is escaped.
fn destination(query: &Pairs) -> String {
    let next = query.get("next").map(|next| utf8_percent_encode(next, SPACES).to_string());
    let fits = |next: &String| {
        is_own_path(next) && utf8_percent_encode(next, NON_ALPHANUMERIC).map(str::len).sum::<usize>() <= LONGEST_NEXT
    };
    next.filter(fits).unwrap_or_else(|| "/".to_owned())
}

fn read(kept: &str) -> Option<(Attempt, String)> {
    let mut parts = kept.splitn(4, '.').map(str::to_owned);
    let attempt = Attempt { state: parts.next()?, nonce: parts.next()?, verifier: parts.next()? };
    let next = percent_decode_str(&parts.next()?).decode_utf8().ok()?.into_owned();
    is_own_path(&next).then_some((attempt, next))
}

fn cookie_name(origins: &Origins) -> &'static str {
    if origins.all_secure() { "__Host-oidc" } else { "oidc" }
}

/// The browser keeps the attempt. The provider leads back here from its own site, so the cookie is `Lax`.
fn keep(origins: &Origins, response: &mut Response, value: &str, seconds: u32) -> Result<(), ApiError> {
    session::add_cookie(origins, response, cookie_name(origins), value, &format!("Max-Age={seconds}; SameSite=Lax"))
}

fn lead_to(address: &str) -> Result<Response, ApiError> {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let address = HeaderValue::from_str(address).map_err(|_| ApiError::Internal("an address that is no header"))?;
    response.headers_mut().insert(LOCATION, address);
    Ok(response)
}

/// To the sign-in page, which says what the code means.
fn lead_back(state: &AppState, code: &str) -> Result<Response, ApiError> {
    let mut response = lead_to(&format!("/sign-in?problem={code}"))?;
    keep(&state.origins, &mut response, "", 0)?;
    Ok(response)
}

fn failed(state: &AppState, error: &ProviderError) -> Result<Response, ApiError> {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    tracing::warn!(%error, cause, "a sign-in through the provider failed");
    let code = if matches!(error, ProviderError::NoVerifiedEmail) { "oidc_no_email" } else { "oidc_failed" };
    lead_back(state, code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_comes_back_to_this_site_alone() {
        assert!(is_own_path("/messages/abc?x=1#y"));
        for foreign in ["", "https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "evil", "/é", "/a b"]
        {
            assert!(!is_own_path(foreign), "{foreign}");
        }
        assert_eq!(destination(&Pairs::read("next=%2Fstats%3Fq%3Dcaf%C3%A9+noir")), "/stats?q=caf%C3%A9%20noir");
        assert_eq!(destination(&Pairs::read(&format!("next=/{}", "x/".repeat(700)))), "/");
        assert_eq!(
            (destination(&Pairs::read("next=//evil.example")).as_str(), destination(&Pairs::read("")).as_str()),
            ("/", "/")
        );
        assert!(read("s.n.v.%2Fstats").is_some_and(|(attempt, next)| attempt.verifier == "v" && next == "/stats"));
        assert!(read("s.n.v.%2F%2Fevil.example").is_none() && read("s.n.v").is_none() && read("").is_none());
    }
}
