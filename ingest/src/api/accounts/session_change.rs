//! Announces changed sessions, tokens and accounts to the notifiers.

use redis::AsyncCommands;
use shared::feed::SESSIONS_CHANNEL;

use crate::state::AppState;

/// Makes notifiers recheck their connections' credentials immediately. They also recheck every two seconds, so failures are only logged.
pub(crate) async fn announce(state: &AppState) {
    if let Ok(mut connection) = state.redis.get().await {
        let receivers: Result<i64, redis::RedisError> = connection.publish(SESSIONS_CHANNEL, "changed").await;
        if let Err(error) = receivers {
            tracing::debug!(%error, "a session change could not be announced");
        }
    }
}
