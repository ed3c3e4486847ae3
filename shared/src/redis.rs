//! The Redis connection pool, and connections for subscriptions.

use std::time::Duration;

use deadpool_redis::{Manager, Pool, Runtime};
use redis::{AsyncConnectionConfig, Client, RedisError};

use crate::config;

/// Redis is local and fast. If it does not respond within this time, it is considered unavailable.
const TIMEOUT: Duration = Duration::from_secs(2);
const POOL_SIZE: usize = 8;

/// The reason a Redis operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The pool did not provide a connection in time.
    #[error("no connection to Redis")]
    Pool(#[from] deadpool_redis::PoolError),
    /// Redis rejected a command, or the connection was lost.
    #[error("Redis failed")]
    Redis(#[from] RedisError),
    /// The data sent or received does not have the feed's format.
    #[error("malformed feed data: {0}")]
    Malformed(&'static str),
    /// The system cannot provide random bytes for an epoch.
    #[error("the system cannot provide random bytes")]
    Randomness(#[from] getrandom::Error),
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
            Self::Failing => "failing",
        }
    }
}

impl Error {
    /// What the error says about Redis as a whole.
    pub fn state(&self) -> RedisState {
        match self {
            Self::Pool(deadpool_redis::PoolError::Backend(error)) | Self::Redis(error) => match error.code() {
                Some("OOM") => RedisState::Full,
                Some("READONLY" | "MISCONF" | "NOREPLICAS") => RedisState::ReadOnly,
                Some("LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "BUSY") | None => RedisState::Away,
                Some(_) => RedisState::Failing,
            },
            Self::Pool(_) => RedisState::Away,
            Self::Malformed(_) | Self::Randomness(_) => RedisState::Failing,
        }
    }

    /// Returns true if only this command is affected, so that other commands can still succeed. Returns false if Redis is
    /// unreachable, starting up, out of memory or read-only, since every command would fail.
    pub fn is_about_the_command(&self) -> bool {
        match self {
            Self::Pool(_) => false,
            Self::Malformed(_) | Self::Randomness(_) => true,
            Self::Redis(error) => {
                let unavailable = [
                    "LOADING",
                    "READONLY",
                    "OOM",
                    "MASTERDOWN",
                    "MISCONF",
                    "BUSY",
                    "NOREPLICAS",
                    "NOAUTH",
                    "NOPERM",
                    "CLUSTERDOWN",
                    "WRONGTYPE",
                ];
                error.code().is_some_and(|code| !unavailable.contains(&code))
            }
        }
    }
}

/// Returns a pool of connections for commands. It connects on first use.
///
/// # Errors
/// When `REDIS_URL` is not a valid URL.
pub fn pool(config: &config::Redis) -> Result<Pool, RedisError> {
    let timeouts = AsyncConnectionConfig::new().set_connection_timeout(Some(TIMEOUT)).set_response_timeout(Some(TIMEOUT));
    let manager = Manager::new_with_config(config.redis_url.reveal(), timeouts)?;
    let pool = Pool::builder(manager)
        .max_size(POOL_SIZE)
        .wait_timeout(Some(TIMEOUT))
        .create_timeout(Some(TIMEOUT))
        .recycle_timeout(Some(TIMEOUT))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|_| RedisError::from((redis::ErrorKind::InvalidClientConfig, "the pool has no runtime")))?;
    Ok(pool)
}

/// Opens a dedicated connection that is subscribed to `channels`. It never reconnects: the subscription ends with the connection.
///
/// # Errors
/// When Redis is unavailable or rejects the subscription.
pub async fn subscribe(config: &config::Redis, channels: &[&str]) -> Result<redis::aio::PubSub, RedisError> {
    let client = Client::open(config.redis_url.reveal())?;
    let timed_out = || RedisError::from((redis::ErrorKind::Io, "timed out"));
    tokio::time::timeout(TIMEOUT, async {
        let mut subscription = client.get_async_pubsub().await?;
        subscription.subscribe(channels).await?;
        Ok(subscription)
    })
    .await
    .map_err(|_| timed_out())?
}
