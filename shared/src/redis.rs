//! Redis, as one server, as a master that sentinels watch, or as a cluster: a pool for commands, and connections for subscriptions.
//!
//! - [`Redis`]: the handle.
//! - `address`: what the settings say.
//! - `manager`, `pooled`, `connection`: the servers and the pool.
//! - `sentinels`: which server is the master.
//! - `error`: what can go wrong, and what that says about Redis.

mod address;
mod connection;
mod error;
mod manager;
mod pooled;
mod sentinels;
mod timeouts;

use deadpool_redis::Runtime;
use futures::StreamExt;
use futures::stream::BoxStream;
use redis::Msg;

pub use self::connection::Connection;
pub use self::error::{ConnectError, Error, PoolError, RedisState};
use self::manager::{Manager, Servers};
use self::timeouts::TIMEOUT;
use crate::config::{self, SettingError};

const POOL_SIZE: usize = 8;

/// A handle to Redis. Clones share their connections.
#[derive(Clone)]
pub struct Redis {
    pool: deadpool::managed::Pool<Manager, Connection>,
}

impl Redis {
    /// Prepares a pool, which connects on first use.
    ///
    /// # Errors
    /// If a setting is not valid or contradicts another one.
    pub fn new(config: &config::Redis) -> Result<Self, SettingError> {
        let unusable = |_| SettingError::new("REDIS_URL", "the addresses of Redis cannot be used together");
        let servers = Servers::new(address::read(config)?).map_err(unusable)?;
        let pool = deadpool::managed::Pool::builder(Manager::new(servers, config.feed_keep))
            .max_size(POOL_SIZE)
            .wait_timeout(Some(TIMEOUT))
            .create_timeout(Some(TIMEOUT))
            .recycle_timeout(Some(TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| SettingError::new("REDIS_URL", "there is no runtime for time-outs"))?;
        Ok(Self { pool })
    }

    fn servers(&self) -> &Servers {
        &self.pool.manager().servers
    }

    /// Returns a connection for commands.
    ///
    /// # Errors
    /// If Redis is unavailable, or all connections are in use for two seconds.
    pub async fn get(&self) -> Result<Connection, Error> {
        Ok(self.pool.get().await?)
    }

    /// Returns false if the sentinels have named another master since the connection was opened.
    pub fn is_current(&self, connection: &Connection) -> bool {
        self.servers().is_current(connection.pooled())
    }

    /// The number of items that the feed keeps, approximately.
    pub fn feed_keep(&self) -> usize {
        self.pool.manager().layout.feed_keep
    }

    /// Whether connections use TLS.
    pub fn is_encrypted(&self) -> bool {
        self.servers().is_encrypted()
    }

    /// Whether another server can take over. What was published last may then be known to the former one alone.
    pub fn can_fail_over(&self) -> bool {
        !matches!(self.servers(), Servers::Node { .. })
    }

    /// Opens a dedicated connection that is subscribed to `channels`. It never reconnects: the messages end with the connection, or once
    /// another server is the master.
    ///
    /// # Errors
    /// If Redis is unavailable or rejects the subscription.
    pub async fn subscribe(&self, channels: &[&str]) -> Result<BoxStream<'static, Msg>, Error> {
        let subscribe = async {
            let (client, moved) = self.servers().subscription_client().await?;
            let mut subscription = client.get_async_pubsub().await?;
            subscription.subscribe(channels).await?;
            Ok(subscription.into_on_message().take_until(moved).boxed())
        };
        tokio::time::timeout(TIMEOUT, subscribe).await.unwrap_or(Err(Error::TimedOut))
    }

    /// Checks that the server of a connection is still the master for the rest of the network.
    ///
    /// # Errors
    /// If it may have been replaced, or does not respond.
    pub async fn confirm_master(&self, connection: &mut Connection) -> Result<(), Error> {
        if self.servers().is_confirmed(connection).await? { Ok(()) } else { Err(Error::CutOff) }
    }
}
