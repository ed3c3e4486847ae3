//! Checks that Redis takes what is published.

use shared::feed;
use shared::redis::{Error, Redis, RedisState};

use crate::api::system::report::Finding;
use crate::readiness::redis_problem;

pub(crate) async fn finding(redis: &Redis) -> Finding {
    let state = feed::probe_writes(redis).await.as_ref().err().map_or(RedisState::Up, Error::state);
    match redis_problem(state) {
        None => {
            let protection = if redis.is_encrypted() {
                "is encrypted, and the certificate and the host are checked"
            } else {
                "is not encrypted"
            };
            Finding::ok("redis", format!("Redis responds and takes writes; the connection {protection}."))
        }
        Some((problem, advice)) => Finding::warn(
            "redis",
            format!("{problem} Deliveries are stored, but not shown live."),
            format!("{advice} The backlog is published once Redis takes writes again."),
        ),
    }
}
