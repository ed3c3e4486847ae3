//! Sign-in through an OpenID Connect provider: `/api/session/oidc` and its callback.
//!
//! Browsers navigate to both routes, so both respond with redirects. The sign-in page explains the error codes.

pub mod groups;
mod pending_cookie;
pub mod provider;
mod return_path;

use std::error::Error;
use std::iter::successors;
use std::sync::Arc;

use http::header::{HeaderValue, LOCATION};
use http::{HeaderMap, StatusCode};
use warp::reply::{Reply, Response};

use crate::api::accounts::oidc::provider::{NewUsers, ProviderError};
use crate::api::accounts::{session, session_change};
use crate::http::error::ApiError;
use crate::http::page::Pairs;
use crate::state::AppState;
use crate::store::accounts::oidc::{self, Admission, ProviderAccount};

/// Redirects to the OpenID Connect provider, which redirects back to `next` through the callback.
///
/// # Errors
/// 404 if no provider is configured.
#[utoipa::path(get, path = "/api/session/oidc", operation_id = "signInElsewhere", tag = "sessions", security(()),
    params(("next" = Option<String>, Query, description = "A path on this site.")),
    responses((status = 303, description = "Redirects to the provider, or to the sign-in page with an error code."),
        (status = 404, description = "`not_found`")))]
pub(crate) async fn begin(state: Arc<AppState>, headers: HeaderMap, query: Pairs) -> Result<Response, ApiError> {
    let provider = state.oidc.as_ref().ok_or(ApiError::NotFound)?;
    let next = return_path::from_query(&query);
    // The provider redirects back to the first origin, which must be the one that sets the cookie.
    if state.origins.is_alternate_host(&headers) {
        return redirect(&format!("{}/api/session/oidc?next={}", state.origins.first(), return_path::encode(&next)));
    }
    let (address, pending) = match provider.begin().await {
        Ok(started) => started,
        Err(error) => return provider_failed(&state, &error),
    };
    let mut response = redirect(&address)?;
    pending_cookie::set(&state.origins, &mut response, &pending, &next)?;
    Ok(response)
}

/// Signs in a user returning from the provider, and redirects to the `next` path given when the sign-in started.
///
/// # Errors
/// 404 if no provider is configured.
#[utoipa::path(get, path = "/api/session/oidc/callback", operation_id = "returnFromElsewhere", tag = "sessions", security(()),
    params(("code" = Option<String>, Query, description = "The provider's authorization code."),
        ("state" = Option<String>, Query, description = "The `state` that was sent to the provider.")),
    responses((status = 303, description = "Redirects to `next`, or to the sign-in page with an error code."),
        (status = 404, description = "`not_found`")))]
pub(crate) async fn finish(state: Arc<AppState>, headers: HeaderMap, query: Pairs) -> Result<Response, ApiError> {
    let provider = state.oidc.as_ref().ok_or(ApiError::NotFound)?;
    // Ignore callbacks for sign-ins that this browser did not start, or that it started too long ago.
    let pending = pending_cookie::read(&state.origins, &headers);
    let pending = pending.filter(|(pending, _)| query.get("state").is_some_and(|state| state == pending.state));
    let Some((pending, next)) = pending else {
        // Keep the cookie, because it may belong to a later sign-in that can still finish.
        return redirect("/sign-in?problem=oidc_expired");
    };
    let Some(code) = query.get("code").map(str::to_owned) else { return sign_in_page(&state, "oidc_refused") };
    let identity = match provider.finish(pending, code).await {
        Ok(identity) => identity,
        Err(error) => return provider_failed(&state, &error),
    };
    let account = ProviderAccount { issuer: provider.issuer.as_str(), subject: &identity.subject, email: &identity.email };
    let grant = (!provider.groups.is_empty()).then(|| provider.groups.grant(&identity.groups));
    let admission = Admission { may_add: provider.new_users == NewUsers::Viewer, grant };
    let Some(user) = oidc::admit(&state.pool, &account, &admission).await? else {
        return sign_in_page(&state, "oidc_unknown");
    };
    if admission.grant.is_some() {
        session_change::announce(&state).await;
    }
    let mut response = redirect(&next)?;
    session::start(&state, &headers, &user, &mut response).await?;
    pending_cookie::clear(&state.origins, &mut response)?;
    Ok(response)
}

fn redirect(address: &str) -> Result<Response, ApiError> {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let address = HeaderValue::from_str(address).map_err(|_| ApiError::Internal("an address is not a valid header value"))?;
    response.headers_mut().insert(LOCATION, address);
    Ok(response)
}

/// Redirects to the sign-in page, which explains the error code, and ends the pending sign-in.
fn sign_in_page(state: &AppState, code: &str) -> Result<Response, ApiError> {
    let mut response = redirect(&format!("/sign-in?problem={code}"))?;
    pending_cookie::clear(&state.origins, &mut response)?;
    Ok(response)
}

fn provider_failed(state: &AppState, error: &ProviderError) -> Result<Response, ApiError> {
    let first: Option<&(dyn Error + 'static)> = error.source();
    let causes: Vec<String> = successors(first, |&cause| cause.source()).map(ToString::to_string).collect();
    tracing::warn!(%error, cause = causes.join(": "), "sign-in through the OpenID Connect provider failed");
    let code = if matches!(error, ProviderError::NoVerifiedEmail) { "oidc_no_email" } else { "oidc_failed" };
    sign_in_page(state, code)
}
