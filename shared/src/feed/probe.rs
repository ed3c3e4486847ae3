//! Finds out whether Redis takes writes, which publishing needs.

use std::time::Duration;

use redis::{AsyncCommands, SetExpiry, SetOptions};

use crate::feed::keys::WRITE_PROBE;
use crate::redis::{Error, Redis, RedisState};

/// Maximum time for a probe.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Probes Redis again and again, and logs when what comes of it changes.
pub struct WriteProbe {
    redis: Redis,
    last: RedisState,
}

impl WriteProbe {
    pub fn new(redis: Redis) -> Self {
        Self { redis, last: RedisState::Unknown }
    }

    /// Probes once.
    pub async fn run(&mut self) -> RedisState {
        let outcome = probe_writes(&self.redis).await;
        let state = outcome.as_ref().err().map_or(RedisState::Up, Error::state);
        if state != self.last {
            match &outcome {
                Ok(()) => tracing::info!("Redis takes writes"),
                Err(error) => tracing::warn!(state = state.code(), error = causes(error), "Redis takes no writes"),
            }
        }
        self.last = state;
        state
    }
}

/// An error and its causes. They name no credentials.
fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let detail = error.to_string();
        if !text.ends_with(&detail) {
            text = format!("{text}: {detail}");
        }
        cause = error.source();
    }
    text
}

/// Writes a key that expires by itself.
///
/// # Errors
/// If that fails, or the server may not be the master any more.
pub async fn probe_writes(redis: &Redis) -> Result<(), Error> {
    let write = async {
        let mut connection = redis.get().await?;
        let options = SetOptions::default().with_expiration(SetExpiry::EX(60));
        let key = connection.key(WRITE_PROBE);
        let () = connection.set_options(key, "1", options).await?;
        redis.confirm_master(&mut connection).await
    };
    tokio::time::timeout(TIMEOUT, write).await.unwrap_or(Err(Error::TimedOut))
}
