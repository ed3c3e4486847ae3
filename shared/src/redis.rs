//! The Redis pool, and the connection that listens.

use std::time::Duration;

use deadpool_redis::{Manager, Pool, Runtime};
use redis::{AsyncConnectionConfig, Client, RedisError};

use crate::config;

/// Redis is local and quick; whoever waits longer than this is better told that it is away.
const TIMEOUT: Duration = Duration::from_secs(2);
const POOL_SIZE: usize = 8;

/// What can go wrong between us and Redis.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection was to be had in time.
    #[error("no connection to Redis")]
    Pool(#[from] deadpool_redis::PoolError),
    /// Redis refused, or the connection broke.
    #[error("Redis failed")]
    Redis(#[from] RedisError),
    /// Redis answered with what our own scripts never say.
    #[error("Redis answered in an unknown shape: {0}")]
    Shape(&'static str),
}

impl Error {
    /// True when Redis itself answered and refused this very command, so that trying other commands makes sense.
    /// False when Redis is away, starting, full or read-only: then nothing would pass.
    pub fn is_about_the_command(&self) -> bool {
        match self {
            Self::Pool(_) => false,
            Self::Shape(_) => true,
            Self::Redis(error) => {
                let away = [
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
                error.code().is_some_and(|code| !away.contains(&code))
            }
        }
    }
}

/// A pool of connections for commands; none is made yet.
///
/// # Errors
/// When `REDIS_URL` does not parse.
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

/// A connection of its own, subscribed to `channels`. It ends when the connection does and never heals by itself.
///
/// # Errors
/// When Redis is away or refuses.
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
