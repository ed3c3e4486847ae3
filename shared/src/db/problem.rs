//! Why connections to Postgres fail.

use std::time::Duration;

use sqlx::{Connection, PgConnection, PgPool};

use crate::tls::is_tls_failure;

/// Maximum time for a connection that shows what is wrong.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a connection cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionProblem {
    /// Postgres does not respond, is starting or stopping, or has no connection left.
    Away,
    /// Postgres rejects the user, the password or our certificate.
    Unauthorized,
    /// TLS fails, or is required and not available.
    Untrusted,
}

impl ConnectionProblem {
    /// Returns the problem that an error shows; `None` if the error is not about the connection.
    pub fn of(error: &sqlx::Error) -> Option<Self> {
        match error {
            sqlx::Error::Tls(_) => Some(Self::Untrusted),
            sqlx::Error::Io(error) if is_tls_failure(error) => Some(Self::Untrusted),
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => Some(Self::Away),
            _ => match error.as_database_error()?.code().as_deref()? {
                "28P01" | "28000" => Some(Self::Unauthorized),
                "53300" => Some(Self::Away),
                // Connection exceptions, and a server that is starting or stopping. 57014 is a statement that was cancelled.
                code if code.starts_with("08") || (code.starts_with("57") && code != "57014") => Some(Self::Away),
                _ => None,
            },
        }
    }

    /// The stable code in readiness responses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Unauthorized => "unauthorized",
            Self::Untrusted => "untrusted",
        }
    }
}

/// Opens a connection outside the pool, and closes it. The pool reports every failure to connect in the same way as connections that are all
/// busy, and this tells them apart.
///
/// # Errors
/// If connecting fails; `None` if it takes too long.
pub async fn connect_once(pool: &PgPool) -> Result<(), Option<sqlx::Error>> {
    match tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&pool.connect_options())).await {
        Ok(Ok(connection)) => {
            let _closed = connection.close().await;
            Ok(())
        }
        Ok(Err(error)) => Err(Some(error)),
        Err(_) => Err(None),
    }
}
