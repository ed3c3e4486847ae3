//! Readiness, metrics, and the same request id in all logs.

use front_door::delivery::event;
use front_door::{ApiClient, Mandrill, until};
use stack::{Part, Stack};

#[tokio::test(flavor = "multi_thread")]
async fn readiness_follows_postgres_and_reports_redis() {
    let mut stack = Stack::start().expect("the stack should start");
    let ready = format!("{}/readyz", stack.direct(Part::Ingest));
    let expect = async |status: u16, redis: &'static str| {
        until("readiness reports the state", || async {
            let response = reqwest::get(&ready).await.ok()?;
            let found = response.status().as_u16();
            let json: serde_json::Value = serde_json::from_str(&response.text().await.ok()?).ok()?;
            (found == status && json["redis"] == redis).then_some(())
        })
        .await;
    };
    expect(200, "up").await;
    stack.stop(Part::Redis);
    expect(200, "away").await;
    stack.restart(Part::Redis).expect("Redis should restart");
    stack.stop(Part::Postgres);
    expect(503, "up").await;
    stack.restart(Part::Postgres).expect("Postgres should restart");
    expect(200, "up").await;
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
    for path in ["/recipients/ada@example.com", "/ada@example.com", "/api/recipients/ada%40example.com"] {
        ApiClient::new(&stack).get(path).await;
    }
    let logged = until("nginx logs the requests", || async {
        std::fs::read_to_string(&access).ok().filter(|logged| logged.contains(" GET /api/recipients/- "))
    });
    let logged = logged.await;
    assert!(!logged.contains("ada"), "no address is logged: {logged}");
    let forged = ApiClient::new(&stack).request(reqwest::Method::GET, "/api/session").header("x-request-id", "evil id\"").send();
    let header = forged.await.expect("the server should respond").headers().get("x-request-id").cloned();
    assert_ne!(header.expect("nginx should set x-request-id").to_str().expect("the id should be ASCII"), "evil id\"");
}
