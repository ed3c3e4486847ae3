//! Sentinels and clusters of Redis: deliveries, the live feed and readiness while servers fail.

use std::collections::BTreeSet;

use front_door::delivery::event;
use front_door::{ApiClient, Database, Follower, Mandrill, until_readyz};
use serde_json::Value;
use stack::{Part, RedisGroup, Stack};

const BATCHES: usize = 40;
const SIZE: usize = 25;

/// Starts the services on this group.
pub(crate) fn stack_on(group: &RedisGroup) -> Stack {
    let environment = group.environment();
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Stack::start_with(&environment).expect("the stack should start")
}

/// Delivers, kills the master halfway, and checks that a client that was connected throughout has seen everything.
async fn a_killed_master_loses_nothing(mut group: RedisGroup) {
    let stack = stack_on(&group);
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let mut follower = Follower::new(admin.clone());
    follower.connect().await;
    let following = tokio::spawn(async move {
        follower.follow_until(|follower| follower.events.len() == BATCHES * SIZE).await;
        follower
    });
    let (progress, mut posted) = tokio::sync::watch::channel(0);
    let posting = tokio::spawn(async move {
        for number in 0..BATCHES {
            let batch: Vec<Value> = (0..SIZE).map(|n| event("open", &format!("m{number}-{n}"))).collect();
            assert_eq!(mandrill.deliver(&batch).await.status, 200, "a delivery does not depend on Redis");
            progress.send_replace(number + 1);
        }
    });
    posted.wait_for(|done| *done >= BATCHES / 4).await.expect("posting should continue");
    let killed = group.kill_master().expect("another server should become the master");
    posting.await.expect("every batch should be posted");
    let follower = following.await.expect("the client should see every event");
    assert!(follower.is_in_order);
    let stored = Database::of(&stack).await.ids("select id from events").await;
    assert_eq!(follower.events.keys().copied().collect::<BTreeSet<i64>>(), stored);
    group.restart(killed).expect("the killed server should follow the new master");
    until_readyz(&stack.direct(Part::Notifier), 200, "redis", "up").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_killed_under_sentinels_loses_nothing() {
    a_killed_master_loses_nothing(RedisGroup::sentinels(|port| port).expect("the servers should start")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_killed_in_a_cluster_loses_nothing() {
    a_killed_master_loses_nothing(RedisGroup::cluster(|port, bus| (port, bus)).expect("the servers should start")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sentinel_that_does_not_respond_holds_up_nothing() {
    let group = RedisGroup::sentinels(|port| port).expect("the servers should start");
    let stack = stack_on(&group);
    group.freeze_sentinel(0);
    let (ingest, notifier) = (stack.replica("ingest"), stack.replica("notifier"));
    for replica in [ingest, notifier] {
        until_readyz(&replica.expect("the replica should start").address(), 200, "redis", "up").await;
    }
    until_readyz(&stack.direct(Part::Notifier), 200, "redis", "up").await;
    group.thaw_sentinel(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_name_of_the_master_and_missing_sentinels_are_named() {
    let group = RedisGroup::sentinels(|port| port).expect("the servers should start");
    let stack = stack_on(&group);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let silent = silent.to_string();
    let cases = [
        ("REDIS_SENTINEL_MASTER", "fed", "unknown_master", "The sentinels know no master with this name"),
        ("REDIS_SENTINELS", silent.as_str(), "no_sentinel", "No sentinel responds"),
        ("REDIS_SENTINEL_PASSWORD", "mistaken", "unauthorized", "Redis rejects the user, the password or a command"),
        ("REDIS_PASSWORD", "mistaken", "unauthorized", "Redis rejects the user, the password or a command"),
    ];
    for (setting, value, state, advice) in cases {
        let ingest = stack.replica_with("ingest", &[(setting, value)]).expect("deliveries do not depend on Redis");
        until_readyz(&ingest.address(), 200, "redis", state).await;
        let doctor = stack.ingest_with(&["doctor"], &[(setting, value)]).expect("the doctor only warns");
        assert!(doctor.contains(advice), "{setting}: {doctor}");
        let log = stack.folder().join(format!("logs/ingest-{}.log", ingest.address().rsplit(':').next().unwrap_or_default()));
        let log = std::fs::read_to_string(log).expect("the service should have a log");
        assert!(log.contains(&format!("Redis takes no writes state=\"{state}\"")), "{setting}: {log}");
        assert!(!log.contains("mistaken"), "{log}");
    }
}
