//! Checks that Redis takes what is published.

use shared::feed;

use crate::api::system::report::Finding;
use crate::readiness::redis_problem;

pub(crate) async fn finding(pool: &deadpool_redis::Pool) -> Finding {
    match redis_problem(feed::probe_writes(pool).await) {
        None => Finding::ok("redis", "Redis responds and takes writes."),
        Some((problem, advice)) => Finding::warn(
            "redis",
            format!("{problem} Deliveries are stored, but not shown live."),
            format!("{advice} The backlog is published once Redis takes writes again."),
        ),
    }
}
