//! RFC 9457 problem documents: how a refusal looks on the wire.

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

/// A refusal with a stable `code` for programs and a `detail` for people. The detail of a 5xx is generic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// Stable, in snake case.
    pub code: &'static str,
    /// One sentence.
    pub detail: String,
    /// Seconds for `Retry-After`, where coming back later makes sense.
    pub retry_after: Option<u64>,
}

/// A refusal as RFC 9457 has it.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Document<'a> {
    /// `about:blank`: what it is about is said by `code`.
    r#type: &'static str,
    /// The status in words.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// Stable, in snake case; for programs.
    code: &'a str,
    /// One sentence; for people.
    detail: &'a str,
}

impl Problem {
    /// A problem without `Retry-After`.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after: None }
    }

    /// The same, with `Retry-After`.
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// No route serves this path.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.")
    }

    /// What warp's own rejections mean. Our handlers never reject: they answer with a problem of their own.
    pub fn of_rejection(rejection: &warp::Rejection) -> Self {
        if rejection.is_not_found() {
            Self::not_found()
        } else if rejection.find::<warp::reject::MethodNotAllowed>().is_some() {
            Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This address does not take that method.")
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
