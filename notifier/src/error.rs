//! The reasons for rejecting a request, each with a status, a stable code and a message.

use http::StatusCode;
use shared::filter::FilterError;
use shared::problem::Problem;
use warp::reply::{Reply, Response};

/// The reasons for rejecting a request.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 400: the filter is invalid.
    #[error("the filter is not valid")]
    BadFilter(#[from] FilterError),
    /// 400: a requested topic does not exist.
    #[error("a topic does not exist")]
    BadTopics,
    /// 400: `after` is not a cursor.
    #[error("the cursor is not valid")]
    BadCursor,
    /// 401: no valid session or token.
    #[error("the client is not signed in")]
    SignedOut,
    /// 403: the token lacks the `read` scope.
    #[error("the token may not read events")]
    Forbidden,
    /// 403: the request comes from a page with a different origin.
    #[error("the origin is not allowed")]
    ForeignOrigin,
    /// 426: the request is not a version 13 websocket handshake.
    #[error("the request is not a websocket handshake")]
    NoHandshake,
    /// 429: the user or the address has reached its connection limit.
    #[error("the user or the address has too many connections")]
    TooManyConnections,
    /// 503: the feed has not been read yet, the replica is full, or the service is shutting down.
    #[error("the service is not ready")]
    NotReady,
    /// 503: a Postgres query failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl ApiError {
    fn problem(&self) -> Problem {
        match self {
            Self::BadFilter(error) => Problem::new(StatusCode::BAD_REQUEST, "bad_filter", format!("{error}.")),
            Self::BadTopics => Problem::new(
                StatusCode::BAD_REQUEST,
                "bad_topics",
                "`topics` must be `events`, `notifications` or `events,notifications`.",
            ),
            Self::BadCursor => Problem::new(StatusCode::BAD_REQUEST, "bad_cursor", "`after` must be the `cursor` of a frame."),
            Self::SignedOut => Problem::new(StatusCode::UNAUTHORIZED, "signed_out", "Sign in first."),
            Self::Forbidden => Problem::new(StatusCode::FORBIDDEN, "forbidden", "Your token lacks the `read` scope."),
            Self::ForeignOrigin => Problem::new(
                StatusCode::FORBIDDEN,
                "foreign_origin",
                "The request does not come from one of this service's own pages.",
            ),
            Self::NoHandshake => Problem::new(
                StatusCode::UPGRADE_REQUIRED,
                "no_handshake",
                "This address accepts websocket handshakes of version 13 only.",
            ),
            Self::TooManyConnections => Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_sockets",
                "This account or address has too many open connections. Close some or try again later.",
            )
            .retry_after(30),
            Self::NotReady => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "The live feed is not ready. Try again in a moment.")
                    .retry_after(2)
            }
            Self::Database(_) => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "database_away", "Something failed here; it was logged.")
                    .retry_after(5)
            }
        }
    }
}

impl Reply for ApiError {
    fn into_response(self) -> Response {
        let problem = self.problem();
        if let Self::Database(source) = &self {
            tracing::error!(code = problem.code, %source, "{self}");
        }
        metrics::counter!("notifier_upgrades_total", "outcome" => problem.code).increment(1);
        problem.into_response()
    }
}
