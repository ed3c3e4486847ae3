//! Checks that Redis is available.

use std::time::Duration;

use redis::AsyncCommands;

use crate::api::system::report::Finding;

const TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) async fn finding(pool: &deadpool_redis::Pool) -> Finding {
    let ping = tokio::time::timeout(TIMEOUT, async { pool.get().await.ok()?.ping::<String>().await.ok() });
    match ping.await {
        Ok(Some(_)) => Finding::ok("redis", "Redis responds."),
        _ => Finding::warn(
            "redis",
            "Redis does not respond. Deliveries are stored, but not shown live.",
            "Check Redis and REDIS_URL. The backlog is published once Redis is back.",
        ),
    }
}
