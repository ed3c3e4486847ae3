//! Readiness, metrics, and the same request id in all logs.

use front_door::delivery::event;
use front_door::{ApiClient, Database, Follower, Mandrill, SmallDisk, Socket, until, until_readyz};
use stack::{Part, Stack};

async fn until_metric(stack: &Stack, line: &str) {
    let metrics = format!("{}/metrics", stack.direct(Part::Ingest));
    until(&format!("the metric is {line}"), || async {
        let text = reqwest::get(&metrics).await.ok()?.text().await.ok()?;
        text.lines().any(|found| found == line).then_some(())
    })
    .await;
}

/// Both services take requests, whatever Postgres and Redis do.
async fn assert_serving_locally(stack: &Stack) {
    for part in [Part::Ingest, Part::Notifier] {
        let local = reqwest::get(format!("{}/readyz/local", stack.direct(part))).await.expect("the service should respond");
        assert_eq!(local.status(), 200);
    }
}

async fn finding(admin: &ApiClient, check: &str) -> serde_json::Value {
    let report = admin.get("/api/system").await.json();
    let found = report["findings"].as_array().and_then(|all| all.iter().find(|finding| finding["check"] == check));
    found.cloned().unwrap_or_else(|| panic!("{report}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_follows_postgres_and_reports_redis() {
    let mut stack = Stack::start().expect("the stack should start");
    until_readyz(&stack.direct(Part::Ingest), 200, "redis", "up").await;
    stack.stop(Part::Redis);
    until_readyz(&stack.direct(Part::Ingest), 200, "redis", "away").await;
    assert_serving_locally(&stack).await;
    stack.restart(Part::Redis).expect("Redis should restart");
    stack.stop(Part::Postgres);
    until_readyz(&stack.direct(Part::Ingest), 503, "postgres", "away").await;
    assert_serving_locally(&stack).await;
    stack.restart(Part::Postgres).expect("Postgres should restart");
    until_readyz(&stack.direct(Part::Ingest), 200, "redis", "up").await;
}

/// What readiness, the doctor, the metric and the alarm say while Postgres takes no writes, and that the dashboard still works.
async fn assert_not_writable(stack: &Stack, admin: &ApiClient, state: &str, doctor: &str) {
    until_readyz(&stack.direct(Part::Ingest), 503, "postgres", state).await;
    assert_serving_locally(stack).await;
    until_metric(stack, r#"ingest_alarm{name="writes"} 1"#).await;
    until_metric(stack, "ingest_postgres_writable 0").await;
    let writes = finding(admin, "writes").await;
    assert_eq!(writes["state"], "fail", "{writes}");
    assert!(writes["what"].as_str().is_some_and(|what| what.starts_with(doctor)), "{writes}");
    assert_eq!(ApiClient::new(stack).get("/").await.status, 200);
    assert_eq!(admin.get("/api/session").await.status, 200);
}

/// Deliveries are accepted again, and admins have learnt of the outage.
async fn assert_writable_again(stack: &Stack, admin: &ApiClient, notifications: usize) {
    until_readyz(&stack.direct(Part::Ingest), 200, "postgres", "up").await;
    until_metric(stack, r#"ingest_alarm{name="writes"} 0"#).await;
    assert_eq!(Mandrill::of(stack).deliver(&[event("send", "afterwards")]).await.status, 200);
    let title = "Resolved: Deliveries cannot be stored";
    until("admins are told", || async {
        let told = admin.all("/api/notifications").await;
        (told.iter().filter(|one| one["title"] == title).count() == notifications).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_or_locked_postgres_fails_readiness_and_nothing_else() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, mut database) = (ApiClient::admin(&stack).await, Database::of(&stack).await);
    assert_eq!(Mandrill::of(&stack).deliver(&[event("open", "m1")]).await.status, 200);
    until_readyz(&stack.direct(Part::Ingest), 200, "postgres", "up").await;

    database.run("alter system set default_transaction_read_only = on").await;
    database.run("select pg_reload_conf()").await;
    assert_not_writable(&stack, &admin, "read_only", "Postgres is read-only.").await;
    assert_eq!(admin.all("/api/events").await.len(), 1);
    assert_eq!(Mandrill::of(&stack).deliver(&[event("send", "m2")]).await.problem(), (503, "database_away".to_owned()));
    database.run("set default_transaction_read_only = off").await;
    database.run("alter system reset default_transaction_read_only").await;
    database.run("select pg_reload_conf()").await;
    assert_writable_again(&stack, &admin, 1).await;

    for (number, table) in ["events", "event_keys"].into_iter().enumerate() {
        let mut locker = Database::of(&stack).await;
        locker.run(&format!("begin; lock table {table} in exclusive mode")).await;
        assert_not_writable(&stack, &admin, "blocked", "A write to Postgres does not finish in time.").await;
        locker.run("rollback").await;
        assert_writable_again(&stack, &admin, number + 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_fails_readiness_before_a_delivery_meets_it() {
    let mut disk = SmallDisk::default();
    let mut stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    if !disk.attach(&mut stack) {
        // Only root may mount a disk, as in CI.
        return;
    }
    until_readyz(&stack.direct(Part::Ingest), 200, "postgres", "up").await;
    // The first connection after a start writes a file, without which Postgres takes no further ones.
    until("the API is available", || async { (admin.get("/api/events").await.status == 200).then_some(()) }).await;
    disk.fill();
    assert_not_writable(&stack, &admin, "full", "The disk of Postgres is full.").await;
    disk.free();
    assert_writable_again(&stack, &admin, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_or_demoted_redis_fails_the_notifiers_readiness_and_stops_no_delivery() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let faults = [
        ("full", "Redis is full.", "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
        ("read_only", "Redis is read-only.", "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
    ];
    for (number, (state, doctor, cause, repair)) in faults.into_iter().enumerate() {
        until_readyz(&stack.direct(Part::Notifier), 200, "redis", "up").await;
        let mut follower = Follower::new(admin.clone());
        follower.connect().await;
        stack.redis(cause).expect("Redis should accept the command");
        until_readyz(&stack.direct(Part::Notifier), 503, "redis", state).await;
        until_readyz(&stack.direct(Part::Ingest), 200, "redis", state).await;
        assert_serving_locally(&stack).await;
        until_metric(&stack, r#"ingest_alarm{name="redis"} 1"#).await;
        until_metric(&stack, "ingest_redis_writable 0").await;
        let found = finding(&admin, "redis").await;
        assert!(found["what"].as_str().is_some_and(|what| what.starts_with(doctor)), "{found}");
        assert_eq!(mandrill.deliver(&[event("send", &format!("during{number}"))]).await.status, 200);
        stack.redis(repair).expect("Redis should accept the command");
        until_readyz(&stack.direct(Part::Notifier), 200, "redis", "up").await;
        until_metric(&stack, r#"ingest_alarm{name="redis"} 0"#).await;
        follower.follow_until(|follower| !follower.events.is_empty()).await;
    }
}

#[tokio::test]
async fn metrics_count_events_refusals_and_commits() {
    let stack = Stack::start().expect("the stack should start");
    let mandrill = Mandrill::of(&stack);
    let batch = format!("[{},{},{},17]", event("open", "m1"), event("click", "m1"), event("brand_new", "m1"));
    assert_eq!(mandrill.deliver_text(&batch).await.status, 200);
    assert_eq!(mandrill.deliver_text(&batch).await.status, 200);
    assert_eq!(mandrill.post("mandrill_events=[]", None).await.status, 401);
    let metrics = format!("{}/metrics", stack.direct(Part::Ingest));
    let expected = [
        r#"ingest_events_total{kind="open",outcome="stored"} 1"#,
        r#"ingest_events_total{kind="open",outcome="duplicate"} 1"#,
        r#"ingest_events_total{kind="click",outcome="stored"} 1"#,
        r#"ingest_events_total{kind="other",outcome="stored"} 1"#,
        r#"ingest_events_total{kind="other",outcome="quarantined"} 2"#,
        r#"ingest_refusals_total{reason="unsigned"} 1"#,
        r#"ingest_batch_events_count 2"#,
        r#"ingest_commit_seconds_count 2"#,
        r#"ingest_quarantine_open 1"#,
        r#"ingest_outbox_items 0"#,
        r#"ingest_postgres_up 1"#,
    ];
    // Unknown and missing kinds share the label `other`.
    until("everything is counted", || async {
        let text = reqwest::get(&metrics).await.ok()?.text().await.ok()?;
        let counted = expected.iter().all(|line| text.lines().any(|found| found == *line));
        let ages = text.contains("ingest_outbox_age_seconds ") && text.contains("ingest_last_delivery_seconds ");
        (counted && ages).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_request_has_one_id_in_all_logs() {
    let stack = Stack::start().expect("the stack should start");
    let response = Mandrill::of(&stack).post("mandrill_events=[]", None).await;
    let id = response.header("x-request-id").to_owned();
    assert_eq!(id.len(), 32, "{id}");
    let log = stack.folder().join("logs/ingest.log");
    until("the refusal is logged with the id", || async {
        let text = std::fs::read_to_string(&log).ok()?;
        text.lines().any(|line| line.contains(&id) && line.contains("refused a delivery")).then_some(())
    })
    .await;
    // nginx logs a request only after it has sent the response.
    let access = stack.folder().join("nginx/access.log");
    until("nginx logs the id", || async { std::fs::read_to_string(&access).ok()?.contains(&id).then_some(()) }).await;
    for path in ["/recipients/zoe@example.com", "/zoe@example.com", "/api/recipients/zoe%40example.com"] {
        ApiClient::new(&stack).get(path).await;
    }
    let logged = until("nginx logs the requests", || async {
        std::fs::read_to_string(&access).ok().filter(|logged| logged.contains(" GET /api/recipients/- "))
    });
    let logged = logged.await;
    // No hexadecimal id contains this name.
    assert!(!logged.contains("zoe"), "no address is logged: {logged}");
    let forged = ApiClient::new(&stack).request(reqwest::Method::GET, "/api/session").header("x-request-id", "evil id\"").send();
    let header = forged.await.expect("the server should respond").headers().get("x-request-id").cloned();
    assert_ne!(header.expect("nginx should set x-request-id").to_str().expect("the id should be ASCII"), "evil id\"");
}

#[test]
fn logs_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let stack = Stack::start_postgres().expect("Postgres should start");
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("the path should exist").permissions().mode() & 0o077;
    assert_eq!(mode(&stack.folder().join("logs")), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_asked_to_stop_is_not_ready_but_takes_requests_for_a_while() {
    let stack = Stack::start().expect("the stack should start");
    let long = [("SHUTDOWN_DELAY_SECONDS", "600")];
    let mut ingest = stack.replica_with("ingest", &long).expect("the replica should start");
    let mut notifier = stack.replica_with("notifier", &long).expect("the replica should start");
    let admin = ApiClient::admin(&stack).await;
    let mut open = Socket::at(&admin, &notifier.address()).await;
    for replica in [&ingest, &notifier] {
        replica.terminate();
        for path in ["/readyz", "/readyz/local"] {
            let address = format!("{}{path}", replica.address());
            until("the replica is not ready", || async { (reqwest::get(&address).await.ok()?.status() == 503).then_some(()) })
                .await;
        }
    }
    let mut mandrill = Mandrill::of(&stack);
    mandrill.to = format!("{}/webhook/", ingest.address());
    assert_eq!(mandrill.deliver(&[event("open", "m1")]).await.status, 200);
    let mut late = Socket::at(&admin, &notifier.address()).await;
    late.subscribe(None).await;
    // A second signal ends the delay.
    notifier.terminate();
    ingest.terminate();
    assert_eq!((open.closed().await, late.closed().await), (1012, 1012));
    until("both exit", || std::future::ready((ingest.has_ended() & notifier.has_ended()).then_some(()))).await;
}
