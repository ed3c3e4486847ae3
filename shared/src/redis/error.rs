//! What can go wrong with Redis, and what an error says about Redis as a whole.

use std::io;
use std::sync::Arc;

use redis::RedisError;

use crate::tls::is_tls_failure;

/// The reason a Redis operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There was no connection in time.
    #[error("no connection to Redis")]
    Pool(#[source] PoolError),
    /// Connecting failed.
    #[error("no connection to Redis")]
    Connect(#[from] ConnectError),
    /// Redis rejected a command, or the connection was lost.
    #[error("Redis failed")]
    Redis(#[from] RedisError),
    /// Redis did not respond in time.
    #[error("Redis did not respond in time")]
    TimedOut,
    /// Another server may have become the master.
    #[error("most sentinels do not respond, and no replica follows the master, which may have been replaced")]
    CutOff,
    /// The data sent or received does not have the feed's format.
    #[error("malformed feed data: {0}")]
    Malformed(&'static str),
    /// The system cannot provide random bytes for an epoch.
    #[error("the system cannot provide random bytes")]
    Randomness(#[from] getrandom::Error),
}

/// The reason that no connection could be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("no sentinel responds")]
    NoSentinel(#[source] RedisError),
    #[error("the sentinels know no master with the name in REDIS_SENTINEL_MASTER")]
    UnknownMaster,
    #[error("connecting to Redis failed")]
    Redis(#[from] RedisError),
}

/// The reason that the pool provided no connection.
pub type PoolError = deadpool::managed::PoolError<ConnectError>;

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Connect(error),
            other => Self::Pool(other),
        }
    }
}

/// Whether Redis takes writes, and the reason if it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisState {
    /// Nothing has been observed yet.
    Unknown,
    /// Redis takes writes.
    Up,
    /// Redis does not respond, or is still loading.
    Away,
    /// Redis has reached its memory limit.
    Full,
    /// Redis is a replica, or cannot write to its disk.
    ReadOnly,
    /// Redis rejects our user, password or rights.
    Unauthorized,
    /// The certificate of Redis does not fit ours, or is not valid now, or Redis does not accept our certificate.
    Untrusted,
    /// No sentinel responds.
    NoSentinel,
    /// The sentinels know no master with the configured name.
    UnknownMaster,
    /// The server may have been replaced as the master.
    CutOff,
    /// Redis responds with an unexpected error.
    Failing,
}

impl RedisState {
    /// The stable code in readiness responses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Away => "away",
            Self::Full => "full",
            Self::ReadOnly => "read_only",
            Self::Unauthorized => "unauthorized",
            Self::Untrusted => "untrusted",
            Self::NoSentinel => "no_sentinel",
            Self::UnknownMaster => "unknown_master",
            Self::CutOff => "cut_off",
            Self::Failing => "failing",
        }
    }
}

/// What is about Redis rather than about one command. `MOVED` and `ASK` reach us once a cluster client has given up following them.
const UNAVAILABLE: [&str; 16] = [
    "LOADING",
    "READONLY",
    "OOM",
    "MASTERDOWN",
    "MISCONF",
    "BUSY",
    "NOREPLICAS",
    "NOAUTH",
    "NOPERM",
    "WRONGPASS",
    "WRONGTYPE",
    "CLUSTERDOWN",
    "MOVED",
    "ASK",
    "TRYAGAIN",
    "NOSCRIPT",
];

impl Error {
    /// What the error says about Redis as a whole.
    pub fn state(&self) -> RedisState {
        match self {
            Self::Connect(ConnectError::NoSentinel(error)) => match state_of(error) {
                state @ (RedisState::Untrusted | RedisState::Unauthorized) => state,
                _ => RedisState::NoSentinel,
            },
            Self::Connect(ConnectError::UnknownMaster) => RedisState::UnknownMaster,
            Self::Connect(ConnectError::Redis(error)) | Self::Redis(error) => state_of(error),
            Self::Pool(_) | Self::TimedOut => RedisState::Away,
            Self::CutOff => RedisState::CutOff,
            Self::Malformed(_) | Self::Randomness(_) => RedisState::Failing,
        }
    }

    /// Returns true if only this command is affected, so that other commands can still succeed. Returns false if Redis is
    /// unreachable, starting up, out of memory or read-only, since every command would fail.
    pub fn is_about_the_command(&self) -> bool {
        match self {
            Self::Pool(_) | Self::Connect(_) | Self::TimedOut | Self::CutOff => false,
            Self::Malformed(_) | Self::Randomness(_) => true,
            Self::Redis(error) => error.code().is_some_and(|code| !UNAVAILABLE.contains(&code)),
        }
    }
}

fn state_of(error: &RedisError) -> RedisState {
    match error.code() {
        Some("OOM") => RedisState::Full,
        Some("READONLY" | "MISCONF" | "NOREPLICAS") => RedisState::ReadOnly,
        Some("NOAUTH" | "WRONGPASS" | "NOPERM") => RedisState::Unauthorized,
        Some("LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "BUSY" | "MOVED" | "ASK" | "TRYAGAIN") => RedisState::Away,
        Some(_) => RedisState::Failing,
        None if error.kind() == redis::ErrorKind::AuthenticationFailed => RedisState::Unauthorized,
        None if is_untrusted(error) => RedisState::Untrusted,
        None => RedisState::Away,
    }
}

/// Whether TLS failed, rather than the network.
fn is_untrusted(error: &RedisError) -> bool {
    type Shared = Arc<dyn std::error::Error + Send + Sync>;
    // The client shares the errors that it wraps.
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<Shared>());
    let io = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
    io.is_some_and(is_tls_failure)
}
