//! Postgres connection pools.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};

use crate::config;

/// Connections that have been idle for this long are pinged before use.
const PING_AFTER_IDLE: Duration = Duration::from_secs(1);
/// Maximum wait for a free connection. A request that waits longer fails, and the client is asked to retry.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// What a pool is used for. Determines the statement timeouts and how statements are planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Deliveries, sign-in and publishing, which must not wait for readers.
    Work,
    /// Lists and searches. They have separate connections, so that a slow search can delay other readers but not deliveries.
    Reading,
    /// Migrations, which can spend an hour building an index.
    Migrating,
}

impl Purpose {
    /// `statement_timeout` and `lock_timeout`; 0 disables a timeout.
    fn timeouts(self) -> (&'static str, &'static str) {
        match self {
            Self::Work => ("30s", "10s"),
            Self::Reading => ("5s", "2s"),
            Self::Migrating => ("0", "10min"),
        }
    }

    /// `plan_cache_mode` for prepared statements. The plans of `Work` statements do not depend on their arrays, and planning the
    /// largest one on every commit would cost more than running it. The best plan for a read depends on its values: an index
    /// lookup is best for a rare value, whereas a scan from the newest row soon finds a common one.
    fn plan_cache_mode(self) -> &'static str {
        match self {
            Self::Work => "force_generic_plan",
            Self::Reading => "force_custom_plan",
            Self::Migrating => "auto",
        }
    }
}

/// Returns a pool that connects on first use, so that a service can start while Postgres is unavailable and become ready later.
///
/// # Errors
/// When the URL cannot be parsed or does not specify a user. Without a user, sqlx would connect as "anonymous".
pub fn pool(config: &config::Database, name: &str, purpose: Purpose) -> Result<PgPool, DatabaseUrlError> {
    let url = config.database_url.reveal();
    let options = PgConnectOptions::from_str(url).map_err(|_| DatabaseUrlError::Malformed)?;
    let user = url.split_once("://").and_then(|(_, rest)| rest.split_once('@')).map(|(user, _)| user);
    if user.is_none_or(|user| user.is_empty() || user.starts_with(':')) {
        return Err(DatabaseUrlError::NoUser);
    }
    let (statement, lock) = purpose.timeouts();
    let options = options.application_name(&format!("{name}/{}", env!("CARGO_PKG_VERSION"))).options([
        ("statement_timeout", statement),
        ("lock_timeout", lock),
        ("idle_in_transaction_session_timeout", "30s"),
        // A 200 response means that the delivery is committed. Never weaken this for speed.
        ("synchronous_commit", "on"),
        ("timezone", "UTC"),
        ("plan_cache_mode", purpose.plan_cache_mode()),
        // JIT compilation takes longer than the time limit of any of our queries.
        ("jit", "off"),
        // ingest merges the search index's pending list in the background, well before an insert would have to.
        ("gin_pending_list_limit", "32MB"),
    ]);
    Ok(PgPoolOptions::new()
        .max_connections(if purpose == Purpose::Reading {
            config.database_read_connections
        } else {
            config.database_max_connections
        })
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // Otherwise sqlx would ping before every statement, which adds hundreds of round trips per second.
        .test_before_acquire(false)
        .before_acquire(|connection, metadata| {
            Box::pin(async move {
                if metadata.idle_for >= PING_AFTER_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options))
}

/// The reason `DATABASE_URL` cannot be used. The messages never contain its value, which includes the password.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseUrlError {
    /// Not of the form `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    #[error("DATABASE_URL must have the form postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    Malformed,
    #[error("DATABASE_URL must specify a user")]
    NoUser,
}
