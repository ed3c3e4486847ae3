//! Who is here, over all replicas: each writes its own users into one hash, every two seconds and when somebody came or went
//! (at most once a second), and adds up what all wrote.
//! What a replica wrote counts for ten seconds, so a killed one fades.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::Pool;
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};
use shared::session::new_secret;
use tokio_util::sync::CancellationToken;

use crate::fanout::hub::Hub;
use crate::fanout::protocol::Online;

const KEY: &str = "ml:presence";
const EVERY: Duration = Duration::from_secs(2);
const AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// Seconds for which a report counts, and after which it is removed.
const COUNTS: i64 = 10;
const STAYS: i64 = 60;

#[derive(Serialize, Deserialize)]
struct Report {
    at: i64,
    users: HashMap<i64, usize>,
}

/// Reports and adds up until `stop`, and then takes its report back.
pub async fn run(hub: Arc<Hub>, pool: Pool, stop: CancellationToken) {
    let replica = new_secret().unwrap_or_default();
    let forever = async {
        loop {
            match exchange(&hub, &pool, &replica).await {
                Ok(online) => hub.set_online(online),
                Err(error) => tracing::debug!(%error, "presence is not known"),
            }
            tokio::time::sleep(AT_MOST_EVERY).await;
            let _moved_or_not = tokio::time::timeout(EVERY - AT_MOST_EVERY, hub.connections_changed()).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = forever => {}
    }
    if let Ok(mut connection) = pool.get().await {
        let _gone: Result<i64, redis::RedisError> = connection.hdel(KEY, &replica).await;
    }
}

async fn exchange(hub: &Hub, pool: &Pool, replica: &str) -> Result<Online, shared::redis::Error> {
    let mut connection = pool.get().await?;
    // One clock for all replicas.
    let (now, _micros): (i64, i64) = redis::cmd("TIME").query_async(&mut connection).await?;
    let users = hub.connections_per_user();
    metrics::gauge!("notifier_sockets").set(users.values().sum::<usize>() as f64);
    metrics::gauge!("notifier_users").set(users.len() as f64);
    let report = serde_json::to_string(&Report { at: now, users }).unwrap_or_default();
    let _new: i64 = connection.hset(KEY, replica, report).await?;
    let reports: HashMap<String, String> = connection.hgetall(KEY).await?;
    let mut users = HashSet::new();
    let mut connections = 0;
    for (from, text) in reports {
        let report: Option<Report> = serde_json::from_str(&text).ok();
        match report {
            Some(report) if now - report.at <= COUNTS => {
                connections += report.users.values().sum::<usize>();
                users.extend(report.users.into_keys());
            }
            Some(report) if now - report.at <= STAYS => {}
            _ => {
                let _gone: i64 = connection.hdel(KEY, from).await?;
            }
        }
    }
    Ok(Online { users: users.len(), connections })
}
