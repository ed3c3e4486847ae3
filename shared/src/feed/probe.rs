//! Finds out whether Redis takes writes, which publishing needs.

use std::time::Duration;

use deadpool_redis::Pool;
use redis::{AsyncCommands, SetExpiry, SetOptions};

use crate::feed::keys::WRITE_PROBE;
use crate::redis::{Error, RedisState};

/// Maximum time for a probe.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Writes a key that expires by itself, and returns what came of it.
pub async fn probe_writes(pool: &Pool) -> RedisState {
    let write = async {
        let mut connection = pool.get().await?;
        let options = SetOptions::default().with_expiration(SetExpiry::EX(60));
        let () = connection.set_options(WRITE_PROBE, "1", options).await?;
        Ok::<(), Error>(())
    };
    match tokio::time::timeout(TIMEOUT, write).await {
        Ok(Ok(())) => RedisState::Up,
        Ok(Err(error)) => error.state(),
        Err(_) => RedisState::Away,
    }
}
