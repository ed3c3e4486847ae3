//! Postgres connection pools.

mod address;
mod problem;

use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgPool};

pub use self::address::Address;
pub use self::problem::{ConnectionProblem, connect_once};
use crate::config::{self, SettingError};

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

    /// Statements that set up a connection.
    fn settings(self) -> String {
        let (statement, lock) = self.timeouts();
        let settings = [
            ("statement_timeout", statement),
            ("lock_timeout", lock),
            ("idle_in_transaction_session_timeout", "30s"),
            // A 200 response means that the delivery is committed. Never weaken this for speed.
            ("synchronous_commit", "on"),
            ("timezone", "UTC"),
            ("plan_cache_mode", self.plan_cache_mode()),
            // JIT compilation takes longer than the time limit of any of our queries.
            ("jit", "off"),
            // ingest merges the search index's pending list in the background, well before an insert would have to.
            ("gin_pending_list_limit", "32MB"),
        ];
        settings.map(|(name, value)| format!("set {name} = '{value}';")).concat()
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
/// If a setting is malformed, is missing, or contradicts another.
pub fn pool(config: &config::Database, name: &str, purpose: Purpose) -> Result<PgPool, SettingError> {
    pool_at(Address::of_service(config), config, name, purpose)
}

/// Like [`pool`], but at another address than `DATABASE_URL`.
///
/// # Errors
/// Same as [`pool`].
pub fn pool_at(address: Address<'_>, config: &config::Database, name: &str, purpose: Purpose) -> Result<PgPool, SettingError> {
    let options = address::options(config, address)?.application_name(&format!("{name}/{}", env!("CARGO_PKG_VERSION")));
    Ok(PgPoolOptions::new()
        .max_connections(if purpose == Purpose::Reading {
            config.database_read_connections
        } else {
            config.database_max_connections
        })
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // After connecting, since PgBouncer accepts only a few start-up parameters.
        .after_connect(move |connection, _| {
            let settings = AssertSqlSafe(purpose.settings());
            Box::pin(async move { connection.execute(sqlx::raw_sql(settings)).await.map(drop) })
        })
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
