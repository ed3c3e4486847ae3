//! Exports and statistics on a streaming replica: how old they are, and where they are read when the replica cannot answer.

use std::time::Duration;

use front_door::delivery::event;
use front_door::{ApiClient, ApiResponse, Database, Mandrill, Proxy, ProxyMode, until};
use serde_json::Value;
use stack::{Replica, Stack};

/// An ingest that reads on the replica at this port while it is at most this old, and a client for it.
async fn reader(stack: &Stack, port: u16, max_lag_seconds: &str) -> (Replica, ApiClient) {
    let url = stack.service_database_url_at(port);
    let settings = [("DATABASE_READ_URL", url.as_str()), ("READ_MAX_LAG_SECONDS", max_lag_seconds)];
    let replica = stack.replica_with("ingest", &settings).expect("the replica should start");
    let mut client = ApiClient::admin(stack).await;
    client.address = replica.address();
    (replica, client)
}

async fn deliver(stack: &Stack, name: &str, count: usize) {
    let batch: Vec<Value> = (0..count).map(|n| event("send", &format!("{name}{n}"))).collect();
    assert_eq!(Mandrill::of(stack).deliver(&batch).await.json()["stored"], count);
}

/// The number of events that the statistics count, and how old they are said to be.
async fn counted(client: &ApiClient) -> (i64, Option<u64>) {
    let response = client.get("/api/stats").await;
    assert_eq!(response.status, 200, "{}", response.text);
    let statistics = response.json();
    (statistics["counts"]["send"].as_i64().unwrap_or_default(), statistics["lag_seconds"].as_u64())
}

async fn until_counted(client: &ApiClient, what: &str, found: impl Fn(i64, Option<u64>) -> bool) {
    until(what, || async {
        let (count, lag) = counted(client).await;
        found(count, lag).then_some(())
    })
    .await;
}

fn lines(export: &ApiResponse) -> usize {
    assert_eq!(export.status, 200, "{}", export.text);
    export.text.lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_read_while_it_is_recent_enough_and_its_age_is_said() {
    let stack = Stack::start().expect("the stack should start");
    // Replays each commit a second late.
    let standby = stack.standby("recovery_min_apply_delay = '1s'").expect("the standby should start");
    let (_patient, patient) = reader(&stack, standby.port(), "600").await;
    let (_strict, strict) = reader(&stack, standby.port(), "4").await;
    deliver(&stack, "first", 100).await;
    until_counted(&patient, "the replica is read", |count, lag| count == 100 && lag.is_some()).await;
    until_counted(&strict, "the replica is read", |count, lag| count == 100 && lag.is_some()).await;

    let mut replica = Database::at(&standby.database_url()).await;
    replica.run("select pg_wal_replay_pause()").await;
    replica.until("the replay has paused", "select (pg_get_wal_replay_pause_state() = 'paused')::int::bigint").await;
    deliver(&stack, "second", 50).await;
    let (count, lag) = counted(&patient).await;
    assert!(count == 100 && lag.is_some(), "the replica should be read: {count}, {lag:?}");
    let export = patient.get("/api/events/export?format=ndjson").await;
    assert_eq!(lines(&export), 100);
    assert!(export.header("replica-lag").parse::<u64>().is_ok(), "{:?}", export.headers);
    let audience = patient.get("/api/stats/audience").await.json();
    assert!(audience["lag_seconds"].is_u64() && audience["domains"][0]["sent"] == 100, "{audience}");
    assert_eq!(patient.all("/api/events").await.len(), 150, "lists should be read on the primary");

    // What is older than four seconds is not shown by the other one.
    until_counted(&strict, "the primary is read", |count, lag| count == 150 && lag.is_none()).await;
    let export = strict.get("/api/events/export?format=ndjson").await;
    assert_eq!((lines(&export), export.header("replica-lag")), (150, ""));
    let report = strict.get("/api/system").await.text;
    assert!(report.contains("The read replica is behind by more than READ_MAX_LAG_SECONDS."), "{report}");
    until_counted(&patient, "the age grows", |count, lag| count == 100 && lag.is_some_and(|lag| lag >= 4)).await;

    replica.run("select pg_wal_replay_resume()").await;
    until_counted(&patient, "the replica has caught up", |count, lag| count == 150 && lag.is_some()).await;
    until_counted(&strict, "the replica is read again", |count, lag| count == 150 && lag.is_some()).await;
    let report = strict.get("/api/system").await.text;
    assert!(report.contains("The read replica is at most ") && report.contains("the connection is not encrypted"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_cut_off_stopped_or_promoted_is_not_read() {
    let stack = Stack::start().expect("the stack should start");
    let standby = stack.standby("").expect("the standby should start");
    let other = stack.standby("").expect("the standby should start");
    let (_reader, client) = reader(&stack, standby.port(), "3").await;
    let (_of_other, of_other) = reader(&stack, other.port(), "3").await;
    deliver(&stack, "first", 10).await;
    for client in [&client, &of_other] {
        until_counted(client, "the replica is read", |count, lag| count == 10 && lag.is_some()).await;
    }
    // Replays everything that it gets, but gets nothing.
    let mut replica = Database::at(&standby.database_url()).await;
    replica.run("alter system set primary_conninfo = ''").await;
    replica.run("select pg_reload_conf()").await;
    replica.until("nothing is received", "select (count(*) = 0)::int::bigint from pg_stat_wal_receiver").await;
    Database::at(&other.database_url()).await.run("select pg_promote()").await;
    deliver(&stack, "second", 10).await;
    for client in [&client, &of_other] {
        until_counted(client, "the primary is read", |count, lag| count == 20 && lag.is_none()).await;
    }
    let report = of_other.get("/api/system").await.text;
    assert!(report.contains("DATABASE_READ_URL does not lead to a standby of the primary."), "{report}");

    drop(standby);
    for _ in 0..20 {
        assert_eq!(counted(&client).await, (20, None));
    }
    let report = client.get("/api/system").await.text;
    assert!(report.contains("The read replica "), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_replication_cancels_is_read_on_the_primary() {
    let stack = Stack::start().expect("the stack should start");
    let mut primary = Database::of(&stack).await;
    primary.fill_events(20_000).await;
    let standby = stack.standby("max_standby_streaming_delay = 0").expect("the standby should start");
    let (_reader, client) = reader(&stack, standby.port(), "60").await;
    until_counted(&client, "the replica is read", |_, lag| lag.is_some()).await;
    let mut replica = Database::at(&standby.database_url()).await;
    let conflicts = "select confl_snapshot + confl_lock from pg_stat_database_conflicts where datname = current_database()";
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                loop {
                    let response = client.get("/api/stats?from=2020-01-01T00:00:00Z&simulated=false&subject=e").await;
                    assert_eq!(response.status, 200, "{}", response.text);
                }
            })
        })
        .collect();
    // Rows that queries on the replica still see are removed. They are locked in the order in which the background jobs lock events.
    let rewrite = "update events set subject = subject
                   where id in (select id from events order by received_at, id limit 200 for update)";
    let cancelling = async {
        while replica.number(conflicts).await.unwrap_or_default() < 5 {
            primary.run(rewrite).await;
            primary.run("vacuum events").await;
            assert!(asking.iter().all(|task| !task.is_finished()), "every request should succeed");
        }
    };
    tokio::time::timeout(Duration::from_secs(60), cancelling).await.expect("replication should cancel queries");
    for task in asking {
        task.abort();
        assert!(task.await.is_err_and(|error| error.is_cancelled()), "every request should succeed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stops_responding_delays_one_answer_and_is_read_again_later() {
    let stack = Stack::start().expect("the stack should start");
    let standby = stack.standby("").expect("the standby should start");
    let proxy = Proxy::to(standby.port()).await;
    let (_reader, client) = reader(&stack, proxy.port(), "600").await;
    deliver(&stack, "first", 10).await;
    until_counted(&client, "the replica is read", |count, lag| count == 10 && lag.is_some()).await;
    proxy.set_mode(ProxyMode::HoldResponses);
    deliver(&stack, "second", 10).await;
    until_counted(&client, "the primary is read", |count, lag| count == 20 && lag.is_none()).await;
    assert_eq!(lines(&client.get("/api/events/export?format=ndjson").await), 20);
    let report = client.get("/api/system").await.text;
    assert!(report.contains("The read replica does not respond."), "{report}");
    proxy.set_mode(ProxyMode::Forward);
    until_counted(&client, "the replica is read again", |count, lag| count == 20 && lag.is_some()).await;
}
