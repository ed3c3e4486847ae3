//! The Postgres pool.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};

use crate::config;

/// A connection that rested longer is asked whether it still stands before it is used.
const TRUSTED: Duration = Duration::from_secs(1);
/// How long a request waits for a connection before it is told to come back.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// What a pool is for, which decides how long its statements may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Deliveries, sign-in, relaying: what must not wait for readers.
    Work,
    /// Lists and searches, on connections of their own: the slowest search costs other readers, and no delivery.
    Reading,
    /// Migrations, which may build an index for an hour.
    Migrating,
}

impl Purpose {
    /// Time-outs of a statement and of waiting for a lock; 0 is none.
    fn timeouts(self) -> (&'static str, &'static str) {
        match self {
            Self::Work => ("30s", "10s"),
            Self::Reading => ("5s", "2s"),
            Self::Migrating => ("0", "10min"),
        }
    }

    /// How prepared statements are planned. Those of work are the same whatever their arrays hold, and planning the largest
    /// anew for every commit would cost more than running it. A reader's values decide: what is rare is fetched by its index, and
    /// what is common is met soon enough on the way from the newest.
    fn plans(self) -> &'static str {
        match self {
            Self::Work => "force_generic_plan",
            Self::Reading => "force_custom_plan",
            Self::Migrating => "auto",
        }
    }
}

/// A pool that connects when first asked, so that a service starts while Postgres is away and becomes ready when it is there.
///
/// # Errors
/// When the URL does not parse or names no user: sqlx would connect as "anonymous".
pub fn pool(config: &config::Database, name: &str, purpose: Purpose) -> Result<PgPool, DatabaseUrlError> {
    let url = config.database_url.reveal();
    let options = PgConnectOptions::from_str(url).map_err(|_| DatabaseUrlError::Malformed)?;
    let user = url.split_once("://").and_then(|(_, rest)| rest.split_once('@')).map(|(user, _)| user);
    if user.is_none_or(|user| user.is_empty() || user.starts_with(':')) {
        return Err(DatabaseUrlError::NoUser);
    }
    let (statement, lock) = purpose.timeouts();
    let options = options.application_name(name).options([
        ("statement_timeout", statement),
        ("lock_timeout", lock),
        ("idle_in_transaction_session_timeout", "30s"),
        // 200 means committed: never weaken this for speed.
        ("synchronous_commit", "on"),
        ("timezone", "UTC"),
        ("plan_cache_mode", purpose.plans()),
        // Compiling a query takes longer than any of ours may.
        ("jit", "off"),
        // What the search index puts off, ingest sees to by itself, in good time and in nobody's way.
        ("gin_pending_list_limit", "32MB"),
    ]);
    Ok(PgPoolOptions::new()
        .max_connections(if purpose == Purpose::Reading {
            config.database_read_connections
        } else {
            config.database_max_connections
        })
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // sqlx would ask each time: a round trip for every statement, hundreds of times a second.
        .test_before_acquire(false)
        .before_acquire(|connection, rested| {
            Box::pin(async move {
                if rested.idle_for >= TRUSTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options))
}

/// Why `DATABASE_URL` cannot be used. Says nothing of its content.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseUrlError {
    /// Not of the form `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    #[error("DATABASE_URL is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    Malformed,
    /// The user is missing.
    #[error("DATABASE_URL names no user")]
    NoUser,
}
