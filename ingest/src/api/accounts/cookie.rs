//! Sets cookies on responses.

use http::header::{HeaderValue, SET_COOKIE};
use shared::origin::Origins;
use warp::reply::Response;

use crate::http::error::ApiError;

/// Adds a `Set-Cookie` header. Scripts cannot read the cookie, and browsers send it only over https if every origin uses https.
pub(crate) fn append(
    origins: &Origins,
    response: &mut Response,
    name: &str,
    value: &str,
    attributes: &str,
) -> Result<(), ApiError> {
    let secure = if origins.all_secure() { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; {attributes}{secure}");
    let cookie = HeaderValue::from_str(&cookie).map_err(|_| ApiError::Internal("a cookie is not a valid header value"))?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(())
}
