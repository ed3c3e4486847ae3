//! Error responses as RFC 9457 problem documents.

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

/// An error response with a stable `code` for programs and a human-readable `detail`. The detail of a 5xx response is generic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    /// A stable error code in snake case.
    pub code: &'static str,
    /// A one-sentence description.
    pub detail: String,
    /// The value of the `Retry-After` header in seconds, if a retry makes sense.
    pub retry_after: Option<u64>,
}

/// An RFC 9457 problem document.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Document<'a> {
    /// Always `about:blank`; `code` identifies the problem.
    r#type: &'static str,
    /// The reason phrase for the HTTP status.
    title: &'a str,
    /// The HTTP status code.
    status: u16,
    /// A stable error code in snake case, for programs.
    code: &'a str,
    /// A one-sentence, human-readable description.
    detail: &'a str,
}

impl Problem {
    /// Creates a problem without a `Retry-After` header.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after: None }
    }

    /// Adds a `Retry-After` header.
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The response for a path that matches no route.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.")
    }

    /// Converts warp's own rejections to problems. Our handlers never reject; they return a problem instead.
    pub fn of_rejection(rejection: &warp::Rejection) -> Self {
        if rejection.is_not_found() {
            Self::not_found()
        } else if rejection.find::<warp::reject::MethodNotAllowed>().is_some() {
            Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This address does not support that method.")
        } else {
            Self::new(StatusCode::BAD_REQUEST, "bad_request", "The request could not be read.")
        }
    }
}

impl Reply for Problem {
    fn into_response(self) -> Response {
        let document = Document {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
        };
        let mut response = warp::reply::json(&document).into_response();
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
