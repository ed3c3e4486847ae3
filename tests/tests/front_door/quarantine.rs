//! The quarantine: elements that cannot be stored are listed and can be retried or discarded with a reason.

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill};
use reqwest::Method;
use serde_json::{Value, json};
use stack::Stack;

#[tokio::test]
async fn elements_refused_by_postgres_are_quarantined_and_stored_once_on_retry() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, admin, mut database) = (Mandrill::of(&stack), ApiClient::admin(&stack).await, Database::of(&stack).await);
    // A narrower column makes Postgres reject rows, both in the single statement for a small batch and in the COPY for a large one.
    database.run("alter table events alter column subject type varchar(12)").await;
    for (size, name) in [(10, "s"), (1000, "l")] {
        let mut batch: Vec<Value> = (0..size).map(|n| event("open", &format!("{name}{n}"))).collect();
        for bad in [3, 7] {
            batch[bad]["msg"]["subject"] = json!(format!("A subject far too long {name}{bad}"));
        }
        let response = mandrill.deliver(&batch).await;
        assert_eq!((response.status.as_u16(), response.json()["stored"].as_i64()), (200, Some(size - 2)), "{}", response.text);
        assert_eq!(response.json()["quarantined"], 2);
    }
    let listed = admin.get("/api/quarantine").await.json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(4));
    assert_eq!(listed["open"][0]["reason"], "refused_by_postgres");
    assert_eq!(listed["open"][0]["count"], 4);
    let select = json!({"reason": "refused_by_postgres"});
    let unchanged = admin.post("/api/quarantine/retry", &json!({"select": select, "expect": 4})).await.json();
    assert_eq!((unchanged["resolved"].as_i64(), unchanged["failed"].as_i64()), (Some(0), Some(4)), "{unchanged}");

    database.run("alter table events alter column subject type text").await;
    let preview = admin.post("/api/quarantine/retry", &json!({"select": select, "dry_run": true})).await.json();
    assert_eq!((preview["matched"].as_i64(), preview["resolved"].as_i64()), (Some(4), Some(4)));
    assert_eq!(database.count("events").await, 8 + 998, "a dry run should store nothing");
    for body in [json!({"select": select}), json!({"select": select, "expect": 4, "reason": "x"}), json!({"selct": {}})] {
        assert_eq!(admin.post("/api/quarantine/retry", &body).await.problem(), (400, "bad_json".to_owned()), "{body}");
    }
    let changed = admin.post("/api/quarantine/retry", &json!({"select": select, "expect": 3})).await;
    assert_eq!(changed.problem(), (409, "count_changed".to_owned()));
    let order = json!({"select": select, "expect": 4});
    let retries = (0..4).map(|_| admin.post("/api/quarantine/retry", &order));
    let responses = futures::future::join_all(retries).await;
    let resolved: i64 = responses
        .iter()
        .filter(|response| response.status == 200)
        .filter_map(|response| response.json()["resolved"].as_i64())
        .sum();
    assert_eq!(resolved, 4, "concurrent retries should store each element once");
    assert_eq!(database.count("events").await, 10 + 1000);
    let retried = admin.get("/api/quarantine?state=retried").await.json();
    assert_eq!(retried["items"][0]["resolution"], "stored");
    assert_eq!(retried["items"][0]["resolved_by"], stack.settings().admin_email.as_str());
    let again = admin.post("/api/quarantine/retry", &json!({"select": {"ids": [retried["items"][0]["id"]]}})).await.json();
    assert_eq!(again["matched"], 0);
    assert_eq!(admin.all("/api/notifications").await.len(), 1010, "every stored open should have a notification");
}

#[tokio::test]
async fn large_selections_are_counted_in_full_and_processed_in_steps() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, admin) = (Mandrill::of(&stack), ApiClient::admin(&stack).await);
    let poison: Vec<Value> = (0..1_002).map(|n| json!({"n": n})).collect();
    assert_eq!(mandrill.deliver(&poison).await.json()["quarantined"], 1_002);
    let select = json!({"reason": "no_kind"});
    for path in ["/api/quarantine/retry", "/api/quarantine/discard"] {
        let preview = admin.post(path, &json!({"select": select, "dry_run": true})).await.json();
        assert_eq!((&preview["matched"], &preview["total"]), (&json!(1_000), &json!(1_002)), "{path}");
    }
    let discard = |expect: i64| json!({"select": select, "expect": expect, "reason": "not events"});
    assert_eq!(admin.post("/api/quarantine/discard", &discard(1_000)).await.problem(), (409, "count_changed".to_owned()));
    assert_eq!(admin.post("/api/quarantine/discard", &discard(1_002)).await.json()["discarded"], 1_000);
    assert_eq!(admin.post("/api/quarantine/discard", &discard(2)).await.json()["discarded"], 2);
}

#[tokio::test]
async fn only_admins_can_view_retry_and_discard_quarantined_elements() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, admin, mut database) = (Mandrill::of(&stack), ApiClient::admin(&stack).await, Database::of(&stack).await);
    let viewer = ApiClient::viewer(&stack, "vera@example.com").await;
    assert_eq!(mandrill.deliver_text(r#"[17, {"x": 1}]"#).await.json()["quarantined"], 2);
    assert_eq!(mandrill.deliver_bytes(b"\xff not JSON").await.json()["quarantined"], 1);
    let items = admin.all("/api/quarantine").await;
    assert_eq!(items.len(), 3);
    let by = |reason: &str| {
        items.iter().find(|item| item["reason"] == reason).expect("an item should have this reason")["id"]
            .as_i64()
            .expect("id should be an integer")
    };
    let (number, without_kind, whole_batch) = (by("not_an_object"), by("no_kind"), by("not_utf8"));
    assert_eq!(admin.get(&format!("/api/quarantine/{without_kind}")).await.json()["text"], r#"{"x": 1}"#);
    assert_eq!(admin.get(&format!("/api/quarantine/{without_kind}/raw")).await.text, r#"{"x": 1}"#);
    assert_eq!(admin.get(&format!("/api/quarantine/{whole_batch}")).await.json()["base64"], "/yBub3QgSlNPTg==");

    for path in ["/api/quarantine".to_owned(), format!("/api/quarantine/{number}"), format!("/api/quarantine/{number}/raw")] {
        assert_eq!(ApiClient::new(&stack).get(&path).await.problem(), (401, "signed_out".to_owned()), "{path}");
        assert_eq!(viewer.get(&path).await.problem(), (403, "forbidden".to_owned()), "{path}");
    }
    for path in ["/api/quarantine/retry", "/api/quarantine/discard"] {
        let body = json!({"select": {"ids": [number]}, "reason": "test"});
        assert_eq!(ApiClient::new(&stack).post(path, &body).await.problem(), (401, "signed_out".to_owned()), "{path}");
        assert_eq!(viewer.post(path, &body).await.problem(), (403, "forbidden".to_owned()), "{path}");
        let plain = admin.request(Method::POST, path).json(&body).send().await.expect("the server should respond");
        assert_eq!(plain.status(), 403, "a change without x-requested-with should be rejected");
    }

    // Simulates an upgrade to a version that can parse a body that the older version could not.
    let array = json!([event("open", "whole"), 18]).to_string();
    database.run(&format!("update quarantine set raw = convert_to('{array}', 'UTF8') where id = {whole_batch}")).await;
    let retried =
        admin.post("/api/quarantine/retry", &json!({"select": {"ids": [number, without_kind, whole_batch]}})).await.json();
    assert_eq!((retried["resolved"].as_i64(), retried["failed"].as_i64()), (Some(1), Some(2)), "{retried}");
    assert_eq!(admin.all("/api/events?message_id=whole").await.len(), 1);
    assert_eq!(
        admin.get(&format!("/api/quarantine/{whole_batch}")).await.json()["resolution"],
        "stored 1 of 2, 1 quarantined individually"
    );

    let discard = |reason: Option<&str>| json!({"select": {"ids": [number]}, "reason": reason});
    assert_eq!(admin.post("/api/quarantine/discard", &discard(None)).await.problem(), (400, "bad_json".to_owned()));
    let reason = discard(Some("An internal test"));
    assert_eq!(admin.post("/api/quarantine/discard", &reason).await.json(), json!({"matched": 1, "total": 1, "discarded": 1}));
    assert_eq!(admin.post("/api/quarantine/discard", &reason).await.json(), json!({"matched": 0, "total": 0, "discarded": 0}));
    assert_eq!(mandrill.deliver_text("[17]").await.json()["quarantined"], 1);
    let discarded = admin.get(&format!("/api/quarantine/{number}")).await.json();
    assert_eq!(
        (discarded["state"].as_str(), discarded["times_seen"].as_i64()),
        (Some("discarded"), Some(2)),
        "a discarded element should stay discarded"
    );
    assert_eq!(discarded["resolution"], "An internal test");
}

#[tokio::test]
async fn the_detail_of_an_item_is_one_bounded_line() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let long = json!(format!("line one\nline two {}", "x".repeat(20_000))).to_string();
    assert_eq!(Mandrill::of(&stack).deliver_text(&long).await.status, 200);
    let items = admin.all("/api/quarantine").await;
    let detail = items[0]["detail"].as_str().expect("detail should be a string");
    assert!(detail.chars().count() <= 501 && !detail.contains('\n'), "{detail}");
}
