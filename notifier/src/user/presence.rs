//! Tracks which users are online across all replicas.
//!
//! Each replica writes a report of its own users to one Redis hash and adds up the reports from all replicas. It does so every
//! two seconds, and within a second after a connection is opened or closed. A report is valid for ten seconds, so the users of
//! a killed replica disappear.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use redis::AsyncCommands;
use serde::{Deserialize, Serialize};
use shared::redis::Redis;
use shared::session::new_secret;
use tokio_util::sync::CancellationToken;

use crate::fanout::hub::Hub;
use crate::fanout::protocol::Online;

/// The hash, prefixed by [`shared::redis::Connection::key`].
const KEY: &str = "presence";
const INTERVAL: Duration = Duration::from_secs(2);
const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// How long a report is valid, in seconds.
const VALID_SECONDS: i64 = 10;
/// The time after which a report is deleted, in seconds.
const DELETE_AFTER_SECONDS: i64 = 60;

/// One replica's entry in the hash.
#[derive(Serialize, Deserialize)]
struct Report {
    /// Seconds since the Unix epoch, according to the Redis clock.
    at: i64,
    /// Number of connections per user id.
    users: HashMap<i64, usize>,
}

/// Exchanges reports until `stop`, then deletes this replica's report.
pub async fn run(hub: Arc<Hub>, redis: Redis, stop: CancellationToken) {
    let replica = new_secret().unwrap_or_default();
    let forever = async {
        loop {
            match exchange(&hub, &redis, &replica).await {
                Ok(online) => hub.set_online(online),
                Err(error) => tracing::debug!(%error, "presence could not be exchanged with Redis"),
            }
            tokio::time::sleep(MIN_INTERVAL).await;
            let _changed_or_not = tokio::time::timeout(INTERVAL - MIN_INTERVAL, hub.connections_changed()).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = forever => {}
    }
    if let Ok(mut connection) = redis.get().await {
        let key = connection.key(KEY);
        let _deleted: Result<i64, redis::RedisError> = connection.hdel(key, &replica).await;
    }
}

/// Writes this replica's report and adds up the reports from all replicas.
async fn exchange(hub: &Hub, redis: &Redis, replica: &str) -> Result<Online, shared::redis::Error> {
    let mut connection = redis.get().await?;
    let key = connection.key(KEY);
    // Uses the Redis clock, so that the clocks of the replicas do not have to agree.
    let (now, _micros): (i64, i64) = redis::cmd("TIME").query_async(&mut connection).await?;
    let users = hub.connections_per_user();
    metrics::gauge!("notifier_sockets").set(users.values().sum::<usize>() as f64);
    metrics::gauge!("notifier_users").set(users.len() as f64);
    let report = serde_json::to_string(&Report { at: now, users }).unwrap_or_default();
    let _created: i64 = connection.hset(&key, replica, report).await?;
    let reports: HashMap<String, String> = connection.hgetall(&key).await?;
    let mut users = HashSet::new();
    let mut connections = 0;
    for (from, text) in reports {
        let report: Option<Report> = serde_json::from_str(&text).ok();
        match report {
            Some(report) if now - report.at <= VALID_SECONDS => {
                connections += report.users.values().sum::<usize>();
                users.extend(report.users.into_keys());
            }
            Some(report) if now - report.at <= DELETE_AFTER_SECONDS => {}
            _ => {
                let _deleted: i64 = connection.hdel(KEY, from).await?;
            }
        }
    }
    Ok(Online { users: users.len(), connections })
}
