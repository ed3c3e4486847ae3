//! Request errors: each has a status, a stable code and a message.

use http::StatusCode;
use shared::filter::FilterError;
use shared::message::MessageError;
use shared::problem::Problem;
use shared::session::GrantError;
use time::OffsetDateTime;
use warp::reply::{Reply, Response};

use crate::store::dictionaries::PayloadError;
use crate::store::sqlstate;
use crate::webhook::delivery::CommitError;
use crate::webhook::form::FormError;
use crate::webhook::signature::SignatureError;

/// Every way a request can fail.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 401: no valid session or token.
    #[error("not signed in")]
    SignedOut,
    /// 401: the email or the password is wrong. The response does not say which.
    #[error("wrong email or password")]
    WrongCredentials,
    /// 401: the signature does not verify.
    #[error("unverified delivery: {0}")]
    Unverified(#[from] SignatureError),
    /// 403: signed in, but not permitted.
    #[error("not permitted")]
    Forbidden,
    /// 403: a change from a foreign page, or from a form instead of a script.
    #[error("a change from a foreign origin")]
    ForeignOrigin,
    /// 404.
    #[error("not found")]
    NotFound,
    /// 410: the personal data of the recipient was erased at this time.
    #[error("erased")]
    Erased(OffsetDateTime),
    /// 400: the form cannot be decoded.
    #[error("invalid form: {0}")]
    BadForm(#[from] FormError),
    /// 400: not JSON of the expected shape.
    #[error("invalid JSON")]
    NotJson(String),
    /// 400: an invalid filter.
    #[error("invalid filter")]
    BadFilter(#[from] FilterError),
    /// 409: an erasure without a secret key.
    #[error("no secret key")]
    NoSecretKey,
    /// 400: an unknown parameter or one with an invalid value, by name.
    #[error("invalid parameter")]
    BadPage(String),
    /// 400, 403, 404, 429: a message that was not sent.
    #[error("message not sent: {0}")]
    NoMessage(#[from] MessageError),
    /// 409: the selection matches a different number of items than the caller expects.
    #[error("the count has changed")]
    CountChanged {
        /// The number of items it matches.
        found: i64,
    },
    /// 409: the address already has an account.
    #[error("the user exists")]
    UserExists,
    /// 409: a change to the caller's own role or account.
    #[error("the caller's own account")]
    OwnAccount,
    /// 409: the change would leave no admin.
    #[error("the last admin")]
    LastAdmin,
    /// 409: the change would limit an operator or admin.
    #[error("an operator or admin cannot be limited")]
    LimitedRole,
    /// 409: the change would mask addresses for an admin.
    #[error("an admin sees addresses")]
    MaskedAdmin,
    /// 403: what holds addresses, for a caller who sees none.
    #[error("the caller sees no addresses")]
    Masked,
    /// 410: the link has already been used, has been replaced, or has expired.
    #[error("the invitation is no longer valid")]
    InvitationGone,
    /// 400: the password is too short or too long.
    #[error("invalid password")]
    BadPassword {
        /// Minimum number of characters.
        min: usize,
        /// Maximum number of characters.
        max: usize,
    },
    /// 409: the caller already has a view with this name.
    #[error("the view exists")]
    ViewExists,
    /// 409: the limit on saved views has been reached.
    #[error("too many views")]
    TooManyViews,
    /// 400: an invalid rule, with the reason.
    #[error("invalid rule: {0}")]
    BadRule(String),
    /// 409: the limit on users with custom rules has been reached.
    #[error("too many users with rules")]
    TooManyRules,
    /// 400: an irreversible action without confirmation.
    #[error("not confirmed")]
    NotConfirmed,
    /// 400: the body ended early.
    #[error("the body ended early")]
    BrokenBody,
    /// 408: the body took too long.
    #[error("the body was too slow")]
    SlowBody,
    /// 413: the body is too large.
    #[error("the body is too large")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// 415: neither a form nor JSON.
    #[error("unsupported media type")]
    MediaType,
    /// 429: too many failed sign-ins.
    #[error("too many failed sign-ins")]
    Throttled {
        /// Seconds until the next attempt.
        retry_after: u64,
    },
    /// 429: too many exports are running.
    #[error("too many exports")]
    TooManyExports,
    /// 503: not enough memory for the delivery.
    #[error("no memory for the delivery")]
    NoRoom,
    /// 503 if Postgres is unavailable or too slow, 409 if another request has just stored the same, 500 if it fails in any other way.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// Same as `Database`, but for a delivery; 503 if the service is stopping.
    #[error("a delivery was not stored")]
    NotCommitted(#[from] CommitError),
    /// 500: a bug or a machine failure.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

/// Seconds after which a client should retry when the service is full or restarting.
const RETRY_AFTER_SECONDS: u64 = 30;

impl From<GrantError> for ApiError {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::LimitedRole => Self::LimitedRole,
            GrantError::MaskedAdmin => Self::MaskedAdmin,
        }
    }
}

impl From<PayloadError> for ApiError {
    fn from(error: PayloadError) -> Self {
        match error {
            PayloadError::Postgres(error) => Self::Database(error),
            PayloadError::Codec(error) => {
                tracing::error!(%error, "a stored payload cannot be read");
                Self::Internal("a stored payload cannot be read")
            }
        }
    }
}

impl ApiError {
    /// An unknown parameter, or one with an invalid value.
    pub fn bad_page(name: &str) -> Self {
        // Names come from clients, so only as much of them is repeated as a name of ours has.
        Self::BadPage(name.chars().filter(|c| !c.is_control()).take(40).collect())
    }

    /// The problem document.
    pub fn problem(&self) -> Problem {
        let (status, code) = self.status_and_code();
        let problem = Problem::new(status, code, self.detail());
        match self {
            Self::Throttled { retry_after } => problem.retry_after(*retry_after),
            _ if matches!(status, StatusCode::SERVICE_UNAVAILABLE) || matches!(self, Self::TooManyExports) => {
                problem.retry_after(RETRY_AFTER_SECONDS)
            }
            _ => problem,
        }
    }

    /// A human-readable description of the problem and the remedy. For a 5xx, it reveals no details.
    fn detail(&self) -> String {
        match self {
            Self::SignedOut => "Sign in first.".to_owned(),
            Self::WrongCredentials => "The email or the password is wrong.".to_owned(),
            Self::Unverified(reason) => reason.to_string(),
            Self::Forbidden => "Your account does not have permission for this.".to_owned(),
            Self::ForeignOrigin => {
                "Only the dashboard can make changes: send `X-Requested-With: fetch`, and no foreign Origin.".to_owned()
            }
            Self::NotFound => "There is nothing at this address.".to_owned(),
            Self::Erased(at) => {
                format!("The personal data of this recipient was erased on {}.", at.date())
            }
            Self::BadForm(error) => error.to_string(),
            Self::NotJson(what) => format!("The body is not the JSON that this address expects: {what}."),
            Self::BadFilter(error) => format!("{error}."),
            Self::NoSecretKey => {
                "No secret key is configured, so an erased address could not be recognised later. Set SECRET_KEY, restart \
                                  ingest, and try again."
                    .to_owned()
            }
            Self::BadPage(name) => format!("`{name}` is unknown here, or its value is not valid."),
            Self::NoMessage(error) => error.to_string(),
            Self::CountChanged { found } => format!("The selection now matches {found} items. Review it and retry."),
            Self::UserExists => "An account with this address already exists.".to_owned(),
            Self::OwnAccount => "You cannot change your own account. Ask another admin.".to_owned(),
            Self::LastAdmin => "At least one admin must remain.".to_owned(),
            Self::LimitedRole => {
                "Only viewers can be limited to a part of all events. Operators and admins see all of them.".to_owned()
            }
            Self::MaskedAdmin => "Admins manage accounts, and always see addresses.".to_owned(),
            Self::Masked => "Addresses are masked for you, so that you do not get what was received as it is.".to_owned(),
            Self::InvitationGone => "This link has been used or replaced, or has expired. Ask an admin for a new one.".to_owned(),
            Self::BadPassword { min, max } => format!("A password must have {min} to {max} characters."),
            Self::ViewExists => "You already have a saved view with this name.".to_owned(),
            Self::TooManyViews => "You have reached the limit of 100 saved views. Delete one first.".to_owned(),
            Self::BadRule(why) => why.clone(),
            Self::TooManyRules => "The limit on users with custom rules has been reached.".to_owned(),
            Self::NotConfirmed => "This cannot be undone. Repeat the address to confirm it.".to_owned(),
            Self::BrokenBody => "The body ended early.".to_owned(),
            Self::SlowBody => "The body took too long to arrive.".to_owned(),
            Self::TooLarge { limit } => format!("The body is larger than {limit} bytes."),
            Self::MediaType => "Send a form (application/x-www-form-urlencoded) or JSON (application/json).".to_owned(),
            Self::Throttled { .. } => "Too many failed sign-ins. Wait before you try again.".to_owned(),
            Self::TooManyExports => "Too many exports are running. Wait until one has ended.".to_owned(),
            Self::NoRoom => "The service is at capacity. Retry later.".to_owned(),
            Self::Database(error) if sqlstate::is_timeout(error) => {
                "The query took too long. Narrow the time range or the search.".to_owned()
            }
            Self::Database(error) if sqlstate::is_unique_violation(error) => {
                "Another request has just stored the same. Reload and try again.".to_owned()
            }
            Self::Database(_) | Self::NotCommitted(_) | Self::Internal(_) => {
                "The server failed. The error was logged.".to_owned()
            }
        }
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::SignedOut => (StatusCode::UNAUTHORIZED, "signed_out"),
            Self::WrongCredentials => (StatusCode::UNAUTHORIZED, "wrong_credentials"),
            Self::Unverified(reason) => (StatusCode::UNAUTHORIZED, reason.code()),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Self::ForeignOrigin => (StatusCode::FORBIDDEN, "foreign_origin"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::Erased(_) => (StatusCode::GONE, "erased"),
            Self::BadForm(error) => (StatusCode::BAD_REQUEST, error.code()),
            Self::NotJson(_) => (StatusCode::BAD_REQUEST, "bad_json"),
            Self::BadFilter(_) => (StatusCode::BAD_REQUEST, "bad_filter"),
            Self::BadPage(_) => (StatusCode::BAD_REQUEST, "bad_page"),
            Self::NoMessage(error) => {
                let status = match error {
                    MessageError::Forbidden => StatusCode::FORBIDDEN,
                    MessageError::Audience | MessageError::Length => StatusCode::BAD_REQUEST,
                    MessageError::NoUser => StatusCode::NOT_FOUND,
                    MessageError::TooMany => StatusCode::TOO_MANY_REQUESTS,
                    MessageError::NotStored => StatusCode::SERVICE_UNAVAILABLE,
                };
                (status, error.code())
            }
            Self::CountChanged { .. } => (StatusCode::CONFLICT, "count_changed"),
            Self::UserExists => (StatusCode::CONFLICT, "user_exists"),
            Self::OwnAccount => (StatusCode::CONFLICT, "own_account"),
            Self::LastAdmin => (StatusCode::CONFLICT, "last_admin"),
            Self::LimitedRole => (StatusCode::CONFLICT, "limited_role"),
            Self::MaskedAdmin => (StatusCode::CONFLICT, "masked_admin"),
            Self::Masked => (StatusCode::FORBIDDEN, "masked"),
            Self::InvitationGone => (StatusCode::GONE, "invitation_gone"),
            Self::BadPassword { .. } => (StatusCode::BAD_REQUEST, "bad_password"),
            Self::ViewExists => (StatusCode::CONFLICT, "view_exists"),
            Self::TooManyViews => (StatusCode::CONFLICT, "too_many_views"),
            Self::BadRule(_) => (StatusCode::BAD_REQUEST, "bad_rule"),
            Self::TooManyRules => (StatusCode::CONFLICT, "too_many_rules"),
            Self::NotConfirmed => (StatusCode::BAD_REQUEST, "not_confirmed"),
            Self::BrokenBody => (StatusCode::BAD_REQUEST, "broken_body"),
            Self::SlowBody => (StatusCode::REQUEST_TIMEOUT, "slow_body"),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type"),
            Self::Throttled { .. } => (StatusCode::TOO_MANY_REQUESTS, "throttled"),
            Self::TooManyExports => (StatusCode::TOO_MANY_REQUESTS, "too_many_exports"),
            Self::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, "no_room"),
            Self::Database(error) if sqlstate::is_timeout(error) => (StatusCode::SERVICE_UNAVAILABLE, "too_slow"),
            Self::Database(error) if sqlstate::is_unique_violation(error) => (StatusCode::CONFLICT, "conflict"),
            Self::Database(error) if sqlstate::is_unavailable(error) => (StatusCode::SERVICE_UNAVAILABLE, "database_away"),
            Self::NotCommitted(CommitError::Database(error)) if sqlstate::is_unavailable(error) => {
                (StatusCode::SERVICE_UNAVAILABLE, "database_away")
            }
            Self::NotCommitted(CommitError::UnknownKey) => (StatusCode::SERVICE_UNAVAILABLE, "unknown_key"),
            Self::NoSecretKey => (StatusCode::CONFLICT, "no_secret_key"),
            Self::NotCommitted(CommitError::NoWriter) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            Self::Database(_) | Self::NotCommitted(_) | Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

/// An error from a route's filter: warp passes it over the remaining routes to the router, which returns it as the response.
#[derive(Debug)]
pub struct Rejected(pub ApiError);

impl Rejected {
    /// Converts the error into a rejection.
    pub fn from_error(error: ApiError) -> warp::Rejection {
        warp::reject::custom(Self(error))
    }
}

impl warp::reject::Reject for Rejected {}

impl Reply for ApiError {
    fn into_response(self) -> Response {
        self.to_response()
    }
}

impl ApiError {
    /// The problem document. Errors with a 5xx status are logged with their source.
    pub fn to_response(&self) -> Response {
        let problem = self.problem();
        if problem.status.is_server_error() {
            let source = std::error::Error::source(self).map(ToString::to_string);
            tracing::error!(code = problem.code, source, "{self}");
        }
        metrics::counter!("ingest_errors_total", "code" => problem.code).increment(1);
        problem.into_response()
    }
}
