//! Responses that tell a caller of events.

use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use shared::session::Caller;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;

/// JSON as the caller sees it: without addresses if the caller sees none.
pub(crate) fn json(caller: &Caller, value: &impl Serialize) -> Result<Response, ApiError> {
    let masking = caller.masking();
    if !masking.is_on() {
        return Ok(warp::reply::json(value).into_response());
    }
    let json = serde_json::to_string(value).map_err(|_| ApiError::Internal("a response cannot be serialised"))?;
    let mut response = masking.json(&json).into_owned().into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
