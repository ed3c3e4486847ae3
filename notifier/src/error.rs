//! What an upgrade can be refused for: status, stable code and a sentence for each.

use http::StatusCode;
use shared::filter::FilterError;
use shared::problem::Problem;
use warp::reply::{Reply, Response};

/// Every way in which a request fails.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 400: a filter that cannot be understood.
    #[error("a filter was not understood")]
    BadFilter(#[from] FilterError),
    /// 400: not a list of topics.
    #[error("no such topics")]
    BadTopics,
    /// 400: not a cursor.
    #[error("no cursor")]
    BadCursor,
    /// 401: nobody is signed in.
    #[error("not signed in")]
    SignedOut,
    /// 403: a token without the scope.
    #[error("not allowed")]
    Forbidden,
    /// 403: the page is not ours.
    #[error("a foreign origin")]
    ForeignOrigin,
    /// 426: no websocket handshake of version 13.
    #[error("no websocket handshake")]
    NoHandshake,
    /// 429: this user or this address holds enough connections.
    #[error("too many connections of one user or address")]
    TooMany,
    /// 503: the feed has not been reached yet, the service is full, or it is stopping.
    #[error("not ready")]
    NotReady,
    /// 503: Postgres failed.
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
                "`topics` is `events`, `notifications`, or both with a comma.",
            ),
            Self::BadCursor => Problem::new(StatusCode::BAD_REQUEST, "bad_cursor", "`after` is a cursor as a frame carries it."),
            Self::SignedOut => Problem::new(StatusCode::UNAUTHORIZED, "signed_out", "Sign in first."),
            Self::Forbidden => Problem::new(StatusCode::FORBIDDEN, "forbidden", "Your token may not read events."),
            Self::ForeignOrigin => {
                Problem::new(StatusCode::FORBIDDEN, "foreign_origin", "The Origin of the page is not one of ours.")
            }
            Self::NoHandshake => {
                Problem::new(StatusCode::UPGRADE_REQUIRED, "no_handshake", "This address speaks websocket, version 13.")
            }
            Self::TooMany => Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_sockets",
                "This account or address holds enough connections open.",
            )
            .retry_after(30),
            Self::NotReady => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "The live feed is not ready; come back soon.")
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
