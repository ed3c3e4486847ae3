//! What a request can be refused for: status, stable code and a sentence for each.

use http::StatusCode;
use shared::filter::FilterError;
use shared::message::MessageError;
use shared::problem::Problem;
use warp::reply::{Reply, Response};

use crate::webhook::form::FormError;
use crate::webhook::queue::NotStored;
use crate::webhook::signature::Unproved;

/// Every way in which a request fails.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 401: nobody is signed in.
    #[error("not signed in")]
    SignedOut,
    /// 401: e-mail or password is wrong; which of them is not said.
    #[error("wrong e-mail or password")]
    WrongCredentials,
    /// 401: the delivery does not prove that it comes from Mandrill.
    #[error("unproved delivery: {0}")]
    Unproved(#[from] Unproved),
    /// 403: signed in, but not allowed.
    #[error("not allowed")]
    Forbidden,
    /// 403: a change asked for by a foreign page, or not by script.
    #[error("a change from elsewhere")]
    ForeignOrigin,
    /// 404: no such thing.
    #[error("not found")]
    NotFound,
    /// 400: a form that cannot be decoded.
    #[error("bad form: {0}")]
    BadForm(#[from] FormError),
    /// 400: JSON that cannot be used.
    #[error("bad JSON")]
    NotJson(String),
    /// 400: a filter that cannot be understood.
    #[error("bad filter")]
    BadFilter(#[from] FilterError),
    /// 400: a cursor or limit that cannot be used.
    #[error("bad page")]
    BadPage,
    /// 400, 403, 404, 429: a message that is not stored.
    #[error("no message: {0}")]
    NoMessage(#[from] MessageError),
    /// 409: not as many are meant as the caller expects.
    #[error("the count has changed")]
    CountChanged {
        /// How many are.
        found: i64,
    },
    /// 409: somebody has that address already.
    #[error("the user exists")]
    UserExists,
    /// 409: nobody changes their own role, or disables themselves.
    #[error("one's own account")]
    OwnAccount,
    /// 409: nobody could manage accounts any more.
    #[error("the last admin")]
    LastAdmin,
    /// 410: the link was used, replaced, or is too old.
    #[error("the invitation is gone")]
    InvitationGone,
    /// 400: the password is too short or too long. The limits are in characters.
    #[error("bad password")]
    BadPassword { min: usize, max: usize },
    /// 409: one has a view of that name.
    #[error("the view exists")]
    ViewExists,
    /// 409: as many views as one may have.
    #[error("too many views")]
    TooManyViews,
    /// 400: a rule that cannot be kept; why.
    #[error("bad rule: {0}")]
    BadRule(String),
    /// 409: as many users have rules of their own as may.
    #[error("too many rules")]
    TooManyRules,
    /// 400: what cannot be undone was not confirmed.
    #[error("not confirmed")]
    NotConfirmed,
    /// 400: the body ended early.
    #[error("broken body")]
    BrokenBody,
    /// 408: the body took too long.
    #[error("slow body")]
    SlowBody,
    /// 413: the body is too large.
    #[error("too large")]
    TooLarge {
        /// What would have been taken, in bytes.
        limit: usize,
    },
    /// 415: neither a form nor JSON.
    #[error("unsupported media type")]
    MediaType,
    /// 429: too many failed sign-ins.
    #[error("throttled")]
    Throttled {
        /// Seconds until the next try.
        retry_after: u64,
    },
    /// 503: no room to hold the delivery.
    #[error("no room")]
    NoRoom,
    /// 503 when Postgres is away, 500 when it fails otherwise.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// As `Database`, of a delivery; 503 when the service stops.
    #[error("a delivery was not stored")]
    NotStored(#[from] NotStored),
    /// 500: a bug, or a machine in trouble.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

/// Seconds after which a client that met a full or restarting service should come back.
const COME_BACK: u64 = 30;

impl ApiError {
    /// The refusal as it goes over the wire.
    pub fn problem(&self) -> Problem {
        let (status, code) = self.status_and_code();
        let detail = match self {
            Self::SignedOut => "Sign in first.".to_owned(),
            Self::WrongCredentials => "The e-mail or the password is wrong.".to_owned(),
            Self::Unproved(reason) => reason.to_string(),
            Self::Forbidden => "Your account may not do this.".to_owned(),
            Self::ForeignOrigin => {
                "Changes are taken from the dashboard alone: `X-Requested-With: fetch`, and no foreign Origin.".to_owned()
            }
            Self::NotFound => "There is nothing at this address.".to_owned(),
            Self::BadForm(error) => error.to_string(),
            Self::NotJson(what) => format!("The body is not the JSON that this address takes: {what}."),
            Self::BadFilter(error) => format!("{error}."),
            Self::BadPage => "`cursor` or `limit` is not of the form that this list gives.".to_owned(),
            Self::NoMessage(error) => error.to_string(),
            Self::CountChanged { found } => format!("{found} are meant now; look again before you go on."),
            Self::UserExists => "Somebody has that address already.".to_owned(),
            Self::OwnAccount => "Another admin has to change your own account.".to_owned(),
            Self::LastAdmin => "Somebody has to remain who can manage accounts.".to_owned(),
            Self::InvitationGone => "This link was used, replaced by a newer one, or is too old; ask for a new one.".to_owned(),
            Self::BadPassword { min, max } => format!("The password must have {min} to {max} characters."),
            Self::ViewExists => "You have a view of that name.".to_owned(),
            Self::TooManyViews => "You have as many views as one may have; delete one first.".to_owned(),
            Self::BadRule(why) => why.clone(),
            Self::TooManyRules => "As many people have rules of their own as may.".to_owned(),
            Self::NotConfirmed => "This cannot be undone: confirm it by the address.".to_owned(),
            Self::BrokenBody => "The body ended early.".to_owned(),
            Self::SlowBody => "The body took too long to arrive.".to_owned(),
            Self::TooLarge { limit } => format!("The body is larger than {limit} bytes."),
            Self::MediaType => "Send a form (application/x-www-form-urlencoded) or JSON (application/json).".to_owned(),
            Self::Throttled { .. } => "Too many failed sign-ins; wait before the next.".to_owned(),
            Self::NoRoom => "The service is full; come back soon.".to_owned(),
            Self::Database(error) if is_too_slow(error) => "This took too long; narrow the range or the search.".to_owned(),
            Self::Database(_) | Self::NotStored(_) | Self::Internal(_) => "Something failed here; it was logged.".to_owned(),
        };
        let problem = Problem::new(status, code, detail);
        match self {
            Self::Throttled { retry_after } => problem.retry_after(*retry_after),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => problem.retry_after(COME_BACK),
            _ => problem,
        }
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::SignedOut => (StatusCode::UNAUTHORIZED, "signed_out"),
            Self::WrongCredentials => (StatusCode::UNAUTHORIZED, "wrong_credentials"),
            Self::Unproved(reason) => (StatusCode::UNAUTHORIZED, reason.code()),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Self::ForeignOrigin => (StatusCode::FORBIDDEN, "foreign_origin"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::BadForm(error) => (StatusCode::BAD_REQUEST, error.code()),
            Self::NotJson(_) => (StatusCode::BAD_REQUEST, "bad_json"),
            Self::BadFilter(_) => (StatusCode::BAD_REQUEST, "bad_filter"),
            Self::BadPage => (StatusCode::BAD_REQUEST, "bad_page"),
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
            Self::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, "no_room"),
            Self::Database(error) if is_too_slow(error) => (StatusCode::SERVICE_UNAVAILABLE, "too_slow"),
            Self::Database(error) if is_away(error) => (StatusCode::SERVICE_UNAVAILABLE, "database_away"),
            Self::NotStored(NotStored::Database(error)) if is_away(error) => (StatusCode::SERVICE_UNAVAILABLE, "database_away"),
            Self::NotStored(NotStored::NoWriter) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            Self::Database(_) | Self::NotStored(_) | Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

/// True when a statement ran into its time-out.
fn is_too_slow(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "57014")
}

/// True when Postgres cannot be reached, is starting or stopping, has no room, or gave up waiting: a later try may pass.
pub fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => true,
        sqlx::Error::WorkerCrashed | sqlx::Error::Protocol(_) => true,
        // Connection exceptions, lack of resources (a full disk), operator intervention, locks and rollbacks; and a missing
        // partition, the only check that an event can fail.
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| ["08", "53", "55", "57", "40", "25", "23514"].iter().any(|class| code.starts_with(class))),
        _ => false,
    }
}

/// An error in a filter of a route: warp carries it past the other routes to the router, which answers with it.
#[derive(Debug)]
pub struct Rejected(pub ApiError);

impl Rejected {
    /// The error as a rejection.
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
    /// The problem document. Errors of status 5xx are logged with their source.
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
