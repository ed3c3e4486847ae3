//! What operators see: readiness, metrics, and one id for a request over all logs.

use front_door::delivery::event;
use front_door::{ApiClient, Mandrill, until};
use stack::{Part, Stack};

#[tokio::test(flavor = "multi_thread")]
async fn readiness_follows_postgres_and_reports_redis() {
    let mut stack = Stack::start().expect("a stack");
    let ready = format!("{}/readyz", stack.direct(Part::Ingest));
    let expect = async |status: u16, redis: &'static str| {
        until("readiness says so", || async {
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
    stack.restart(Part::Redis).expect("Redis is back");
    stack.stop(Part::Postgres);
    expect(503, "up").await;
    stack.restart(Part::Postgres).expect("Postgres is back");
    expect(200, "up").await;
}

#[tokio::test]
async fn metrics_count_events_refusals_and_commits() {
    let stack = Stack::start().expect("a stack");
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
    // Kinds that nobody has heard of share one label; what is quarantined has none.
    until("all is counted", || async {
        let text = reqwest::get(&metrics).await.ok()?.text().await.ok()?;
        let counted = expected.iter().all(|line| text.lines().any(|found| found == *line));
        let ages = text.contains("ingest_outbox_age_seconds ") && text.contains("ingest_last_delivery_seconds ");
        (counted && ages).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_request_has_one_id_in_all_logs() {
    let stack = Stack::start().expect("a stack");
    let response = Mandrill::of(&stack).post("mandrill_events=[]", None).await;
    let id = response.header("x-request-id").to_owned();
    assert_eq!(id.len(), 32, "{id}");
    let log = stack.folder().join("logs/ingest.log");
    until("the refusal is logged with the id", || async {
        let text = std::fs::read_to_string(&log).ok()?;
        text.lines().any(|line| line.contains(&id) && line.contains("refused a delivery")).then_some(())
    })
    .await;
    // nginx writes its line once the answer has gone.
    let access = stack.folder().join("nginx/access.log");
    until("nginx logs the id", || async { std::fs::read_to_string(&access).ok()?.contains(&id).then_some(()) }).await;
    let forged = ApiClient::new(&stack).request(reqwest::Method::GET, "/api/session").header("x-request-id", "evil id\"").send();
    let header = forged.await.expect("an answer").headers().get("x-request-id").cloned();
    assert_ne!(header.expect("nginx's own").to_str().expect("text"), "evil id\"");
}
