//! `/webhook/`: responses, stored events, quarantine and recorded refusals.

use front_door::delivery::event;
use front_door::{ApiClient, ApiResponse, Database, Mandrill, until};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use stack::{Part, Stack};

fn receipt(received: u32, stored: u32, duplicates: u32, quarantined: u32) -> Value {
    json!({"received": received, "stored": stored, "duplicates": duplicates, "quarantined": quarantined})
}

async fn count(stack: &Stack, table: &'static str) -> i64 {
    let mut connection = PgConnection::connect(&stack.database_url()).await.expect("Postgres should accept the connection");
    let sql = format!("select count(*) from {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut connection).await.expect("the query should return a count")
}

/// Waits until exactly `expected` refusals with this reason are recorded. Ingest writes refusals in the background, so a count
/// that is read earlier may be incomplete.
async fn wait_for_refusals(stack: &Stack, reason: &str, expected: i64) {
    let query = format!("select (sum(count) = {expected})::int::bigint from refusals where reason = '{reason}'");
    Database::of(stack).await.until(&format!("{expected} refusals with reason {reason} are recorded"), &query).await;
}

#[tokio::test]
async fn without_a_key_only_the_url_check_of_mandrill_succeeds() {
    let stack = Stack::start_with(&[("WEBHOOK_KEYS", "")]).expect("the stack should start");
    let mut mandrill = Mandrill::of(&stack);
    for path in ["/webhook/", "/webhook"] {
        assert_eq!(
            ApiClient::new(&stack).request(Method::HEAD, path).send().await.expect("the server should respond").status(),
            200
        );
    }
    let unverified = mandrill.deliver(&[event("open", "a1")]).await;
    assert_eq!(unverified.problem(), (401, "no_key".to_owned()));
    mandrill.key = "test-webhook".to_owned();
    let check = mandrill.deliver(&[]).await;
    assert_eq!((check.status.as_u16(), check.json()), (200, receipt(0, 0, 0, 0)));
    let public_key_only = mandrill.deliver(&[event("open", "a1")]).await;
    assert_eq!(public_key_only.problem(), (401, "no_key".to_owned()), "the public key should verify only the empty batch");
    assert_eq!(count(&stack, "events").await, 0);
    wait_for_refusals(&stack, "no_key", 2).await;
}

#[tokio::test]
async fn a_signed_batch_is_stored_and_returned_byte_for_byte() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, admin) = (Mandrill::of(&stack), ApiClient::admin(&stack).await);
    let open = r#"{"event" : "open","ts":1700000000,"_id":"m1","ip":"198.51.100.7","location":{"country":"Spain","city":"Madrid"},"msg":{"_id":"m1","email":"Ada@example.com","subject":"Caf\u00e9 \/ bar","tags":["a\"b","c"],"metadata":{"n":1.50}}}"#;
    let sync =
        r#"{"type":"denylist","action":"add","ts":1700000001,"reject":{"email":"gone@example.net","reason":"hard-bounce"}}"#;
    let inbound =
        r#"{"event":"inbound","ts":1700000002,"msg":{"email":"in@example.com","from_email":"gus@example.org","headers":[]}}"#;
    let minimal = r#"{"event":"send","msg":{"_id":"d1dasd12"}}"#;
    assert_eq!(mandrill.deliver(&[]).await.json(), receipt(0, 0, 0, 0), "an empty batch signed with the webhook's key");
    let response = mandrill.deliver_text(&format!("[{open} , {sync},{inbound},\n{minimal}]")).await;
    assert_eq!((response.status.as_u16(), response.json()), (200, receipt(4, 4, 0, 0)));

    let events = admin.all("/api/events").await;
    let kinds: Vec<&str> = events.iter().rev().map(|event| event["kind"].as_str().expect("kind should be a string")).collect();
    assert_eq!(kinds, ["open", "blacklist_add", "inbound", "send"]);
    let stored = &events[3];
    assert_eq!(stored["occurred_at"], "2023-11-14T22:13:20Z");
    assert_eq!(stored["recipient"], "Ada@example.com");
    assert_eq!(stored["subject"], "Café / bar");
    assert_eq!(stored["tags"], json!(["a\"b", "c"]));
    assert_eq!(stored["city"], "Madrid");
    assert_eq!(stored["webhook"], "key-1");
    assert_eq!(stored["simulated"], false);
    assert_eq!(events[0]["occurred_at"], events[0]["received_at"], "an event without `ts` should use the time of receipt");
    for (event, raw) in events.iter().rev().zip([open, sync, inbound, minimal]) {
        assert_eq!(admin.get(&format!("/api/events/{}/raw", event["id"])).await.text, raw);
        let payload: Value = serde_json::from_str(raw).expect("the text should be valid JSON");
        assert_eq!(admin.get(&format!("/api/events/{}", event["id"])).await.json()["payload"], payload);
    }
    let (mut late, early) = (event("click", "m2"), event("send", "m2"));
    late["ts"] = json!(1_700_000_009);
    assert_eq!(mandrill.deliver(&[late, early]).await.json(), receipt(2, 2, 0, 0));
    let kinds: Vec<Value> = admin.all("/api/events?message_id=m2").await.iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["click", "send"], "within a delivery, the latest event should come first");
    let notifications = admin.all("/api/notifications").await;
    assert_eq!(notifications.len(), 1);
    assert_eq!(notifications[0]["title"], "Ada@example.com opened “Café / bar”");
    assert_eq!(notifications[0]["event_id"], stored["id"]);
    for (filter, found) in
        [("kind=open,inbound", 2), ("recipient=ada@example.com", 1), ("q=CAFÉ%20bar", 1), ("tag=c", 1), ("metadata.n=1.50", 1)]
    {
        assert_eq!(admin.all(&format!("/api/events?{filter}")).await.len(), found, "{filter}");
    }
    assert_eq!(admin.get("/api/events?colour=red").await.problem(), (400, "bad_filter".to_owned()));
    assert_eq!(admin.get("/api/events?limit=201").await.problem(), (400, "bad_page".to_owned()));
    assert_eq!(admin.get("/api/events/999999").await.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn unverified_deliveries_are_refused_and_recorded_by_reason() {
    let stack = Stack::start_with(&[("WEBHOOK_MAX_BODY", "100000")]).expect("the stack should start");
    let mandrill = Mandrill::of(&stack);
    let value = Value::from(vec![event("open", "a1")]).to_string();
    let escaped: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let form = format!("mandrill_events={escaped}");
    let signature = mandrill.sign(&[("mandrill_events", value.as_bytes())]);
    let large = format!("mandrill_events={}", "x".repeat(200_000));
    let empty = mandrill.sign(&[]);
    // The same bytes in the signed string, cut into other names and values.
    let (start, rest) = value.split_at(value.find("open").expect("the event should be an open"));
    let cut =
        form_urlencoded::Serializer::new(String::new()).append_pair("mandrill_events", start).append_pair(rest, "").finish();
    let extra = mandrill.sign(&[("mandrill_events", b"[]"), ("version", b"2")]);
    let table: [(&str, Option<&str>, u16, &str); 11] = [
        (&form, None, 401, "unsigned"),
        (&form, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA="), 401, "wrong_signature"),
        (&form, Some("nonsense"), 401, "wrong_signature"),
        ("mandrill_events=%zz", Some(&signature), 400, "form_broken"),
        ("mandrill_events=[]&mandrill_events=[]", Some(&signature), 400, "form_field_repeated"),
        (&cut, Some(&signature), 400, "form_field_extra"),
        ("mandrill_events=[]&version=2", Some(&extra), 400, "form_field_extra"),
        ("", Some(&empty), 400, "form_without_events"),
        ("", Some(&signature), 401, "wrong_signature"),
        ("\u{0}\u{1}garbage\u{7f}", Some(&signature), 401, "wrong_signature"),
        (&large, Some(&signature), 413, "too_large"),
    ];
    for (form, signature, status, code) in table {
        let response = mandrill.post(form.to_owned(), signature).await;
        assert_eq!(response.problem(), (status, code.to_owned()), "{}", &form[..form.len().min(40)]);
    }
    for (reason, times) in [
        ("unsigned", 1),
        ("wrong_signature", 4),
        ("form_broken", 1),
        ("form_field_extra", 2),
        ("form_field_repeated", 1),
        ("form_without_events", 1),
        ("too_large", 1),
    ] {
        wait_for_refusals(&stack, reason, times).await;
    }
    assert_eq!(count(&stack, "events").await + count(&stack, "quarantine").await, 0);
    assert_eq!(mandrill.post(form, Some(&signature)).await.status, 200, "a valid delivery should still be accepted");
}

#[tokio::test]
async fn invalid_elements_do_not_fail_the_batch() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, admin) = (Mandrill::of(&stack), ApiClient::admin(&stack).await);
    let mut elements: Vec<String> = (0..999).map(|n| event("send", &format!("good{n}")).to_string()).collect();
    elements.insert(500, "17".to_owned());
    let response = mandrill.deliver_text(&format!("[{}]", elements.join(","))).await;
    assert_eq!(response.json(), receipt(1000, 999, 0, 1));

    let deep = format!(r#"{{"event":"send","_id":"deep","ts":1,"x":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    let long = event("send", &"i".repeat(513)).to_string();
    let irregular = [
        (r#"{"event":"send","_id":"nul\u0000","ts":1,"msg":{"subject":"a\u0000b","metadata":{"k\u0000":"v\u0000"}}}"#, "stored"),
        (r#"{"event":"send","_id":"half","ts":1,"msg":{"subject":"\ud800 and \udc00","tags":["\udfff"]}}"#, "stored"),
        (r#"{"event":"send","_id":"half key","\ud800":1,"ts":1}"#, "stored"),
        (r#"{"event":"send","_id":"huge","ts":1e400,"msg":{"ts":-1e999,"metadata":{"n":1e400}}}"#, "stored"),
        (r#"{"event":"send","_id":"far","ts":99999999999999,"msg":{}}"#, "stored"),
        (r#"{"event":"send","_id":"past","ts":-99999999999999,"msg":[]}"#, "stored"),
        (r#"{"event":"brand_new_kind","_id":"new","ts":1,"msg":null}"#, "stored"),
        (&deep, "stored"),
        (&long, "quarantined"),
        (r"{}", "quarantined"),
        (r"null", "quarantined"),
        (r#"{"event":"","ts":1}"#, "quarantined"),
    ];
    let text = irregular.iter().map(|(element, _)| *element).collect::<Vec<_>>().join(",");
    let response = mandrill.deliver_text(&format!("[{text}]")).await;
    assert_eq!(response.json(), receipt(12, 8, 0, 4));
    let again = mandrill.deliver_text(&format!("[{text}]")).await;
    assert_eq!(again.json(), receipt(12, 0, 8, 4));
    let mut raws = Vec::new();
    for event in admin.all("/api/events").await.iter().take(8) {
        raws.push(admin.get(&format!("/api/events/{}/raw", event["id"])).await.text);
    }
    let mut stored: Vec<&str> =
        irregular.iter().filter(|(_, outcome)| *outcome == "stored").map(|(element, _)| *element).collect();
    raws.sort_unstable();
    stored.sort_unstable();
    assert_eq!(raws, stored);

    for (value, what) in [
        (&b"not JSON"[..], "not JSON"),
        (br#"{"a":[]}"#, "not an array"),
        (b"[{\"event\":\"send\"", "cut off"),
        (b"[\"\xff\"]", "not UTF-8"),
    ] {
        let response = mandrill.deliver_bytes(value).await;
        assert_eq!((response.status.as_u16(), response.json()), (200, receipt(1, 0, 0, 1)), "{what}");
    }
    assert_eq!(count(&stack, "quarantine").await, 1 + 4 + 4, "each invalid element should be quarantined once");
}

#[tokio::test]
async fn duplicate_deliveries_are_stored_once() {
    let stack = Stack::start().expect("the stack should start");
    let mandrill = Mandrill::of(&stack);
    let mut batch: Vec<Value> = (0..40).map(|n| event("open", &format!("m{n}"))).collect();
    batch.push(batch[0].clone());
    assert_eq!(mandrill.deliver(&batch).await.json(), receipt(41, 40, 1, 0));
    for element in &mut batch {
        element["msg"]["opens"] = json!([{"ts": 1_700_000_009}]);
    }
    assert_eq!(mandrill.deliver(&batch).await.json(), receipt(41, 0, 41, 0), "a retry whose snapshot changed");
    let mut later = event("open", "m0");
    later["ts"] = json!(1_700_000_001);
    assert_eq!(mandrill.deliver(&[later]).await.json(), receipt(1, 1, 0, 0), "another open of the same message");

    // 50 concurrent deliveries whose elements are ordered so that they would deadlock if keys were not sorted.
    let mut fresh: Vec<Value> = (0..100).map(|n| event("click", &format!("c{n}"))).collect();
    let deliveries = (0..50).map(|n| {
        fresh.rotate_left(7 * n % 100);
        let (mandrill, batch) = (mandrill.clone(), fresh.clone());
        tokio::spawn(async move { mandrill.deliver(&batch).await })
    });
    let responses: Vec<ApiResponse> = futures::future::join_all(deliveries)
        .await
        .into_iter()
        .map(|response| response.expect("the task should not panic"))
        .collect();
    assert!(responses.iter().all(|response| response.status == 200), "{responses:?}");
    let sum = |name: &str| {
        responses.iter().map(|response| response.json()[name].as_u64().expect("the value should be a number")).sum::<u64>()
    };
    assert_eq!((sum("stored"), sum("duplicates")), (100, 4900));
    assert_eq!(count(&stack, "events").await, 141);
    assert_eq!(count(&stack, "notifications").await, 41);
}

#[tokio::test]
async fn admins_and_simulate_tokens_can_post_json() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, viewer, anonymous) =
        (ApiClient::admin(&stack).await, ApiClient::viewer(&stack, "vera@example.com").await, ApiClient::new(&stack));
    let body = json!({"mandrill_events": [event("open", "a1")]});
    let post = |client: &ApiClient| client.request(Method::POST, "/webhook/").json(&body);
    assert_eq!(anonymous.post("/webhook/", &body).await.problem(), (401, "signed_out".to_owned()));
    assert_eq!(viewer.post("/webhook/", &body).await.problem(), (403, "forbidden".to_owned()));
    let plain = ApiResponse::try_fetch(post(&admin)).await.expect("the server should respond");
    assert_eq!(plain.problem(), (403, "foreign_origin".to_owned()), "a request without x-requested-with should be rejected");
    let foreign = post(&admin).header("x-requested-with", "fetch").header("origin", "https://evil.example");
    assert_eq!(
        ApiResponse::try_fetch(foreign).await.expect("the server should respond").problem(),
        (403, "foreign_origin".to_owned())
    );
    for wrong in
        [json!({"mandrill_events": {}}), json!({"events": []}), json!([]), json!("text"), json!({"mandrill_events": "[]"})]
    {
        assert_eq!(admin.post("/webhook/", &wrong).await.problem(), (400, "bad_json".to_owned()), "{wrong}");
    }
    let response = admin.post("/webhook/", &body).await;
    assert_eq!((response.status.as_u16(), response.json()), (200, receipt(1, 1, 0, 0)));
    assert_eq!(admin.post("/webhook/", &body).await.json(), receipt(1, 0, 1, 0));
    let real = Mandrill::of(&stack).deliver(&[event("open", "a1")]).await;
    assert_eq!(real.json(), receipt(1, 1, 0, 0), "a simulated event should not make the real one a duplicate");
    assert_eq!(admin.all("/api/events?simulated=true").await.len(), 1);

    for (scope, status) in [("simulate", 200), ("read", 403)] {
        let token = stack
            .ingest(&["token", "add", "test", "--user", "admin@example.com", "--scope", scope])
            .expect("the token should be created");
        let by_token = post(&anonymous).header("authorization", format!("Bearer {}", token.trim()));
        assert_eq!(ApiResponse::try_fetch(by_token).await.expect("the server should respond").status, status, "{scope}");
        let listing = anonymous.request(Method::GET, "/api/events").header("authorization", format!("Bearer {}", token.trim()));
        assert_eq!(
            listing.send().await.expect("the server should respond").status(),
            if scope == "read" { 200 } else { 403 },
            "{scope}"
        );
    }
}

#[tokio::test]
async fn signed_in_users_can_browse_the_webhook_url() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    for path in ["/webhook", "/webhook/"] {
        assert_eq!(ApiClient::new(&stack).get(path).await.problem(), (401, "signed_out".to_owned()));
        assert_eq!(admin.get(path).await.json(), json!({"items": [], "next": null, "searched_to": null}));
        let page = ApiResponse::try_fetch(admin.request(Method::GET, path).header("accept", "text/html,*/*"))
            .await
            .expect("the server should respond");
        assert_eq!((page.status.as_u16(), page.header("location")), (303, "/simulate"));
    }
    let other = admin.request(Method::PUT, "/webhook/").send().await.expect("the server should respond");
    assert_eq!(other.status(), 405);
}

#[tokio::test]
async fn several_keys_and_urls_can_share_the_endpoint() {
    let url = "https://user:p%40ss@hooks.example.com/webhook/?b=2&a=1";
    let stack = Stack::start_with(&[
        ("WEBHOOK_KEYS", "old=k3y-One_22chars_abcdEF,new=k3y-Two_22chars_ghijKL"),
        ("WEBHOOK_URLS", &format!("https://example.com/,{url}")),
    ])
    .expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut mandrill = Mandrill::of(&stack);
    url.clone_into(&mut mandrill.url);
    for (key, label) in [("k3y-Two_22chars_ghijKL", "new"), ("k3y-One_22chars_abcdEF", "old")] {
        key.clone_into(&mut mandrill.key);
        assert_eq!(mandrill.deliver(&[event("open", label)]).await.status, 200);
        assert_eq!(admin.all(&format!("/api/events?message_id={label}")).await[0]["webhook"], label);
    }
    mandrill.url.truncate(mandrill.url.len() - 1);
    assert_eq!(mandrill.deliver(&[event("open", "near")]).await.problem(), (401, "wrong_signature".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_get_503_while_postgres_is_unavailable() {
    let mut stack = Stack::start().expect("the stack should start");
    let mandrill = Mandrill::of(&stack);
    stack.stop(Part::Postgres);
    let response = mandrill.deliver(&[event("open", "a1")]).await;
    assert_eq!(response.problem(), (503, "database_away".to_owned()));
    assert_ne!(response.header("retry-after"), "");
    stack.restart(Part::Postgres).expect("Postgres should restart");
    let stored = until("the delivery is accepted", || async {
        let response = mandrill.deliver(&[event("open", "a1")]).await;
        (response.status == 200).then_some(response)
    })
    .await;
    assert_eq!(stored.json(), receipt(1, 1, 0, 0));
}

#[tokio::test]
async fn deliveries_succeed_without_a_partition_for_the_month() {
    let stack = Stack::start().expect("the stack should start");
    let mut connection = PgConnection::connect(&stack.database_url()).await.expect("Postgres should accept the connection");
    // Simulates a clock change: no partition covers the current month.
    let drop_all = "do $$ declare part regclass; begin
        for part in select inhrelid::regclass from pg_inherits where inhparent = 'events'::regclass loop
          execute format('drop table %s', part);
        end loop; end $$";
    sqlx::query(drop_all).execute(&mut connection).await.expect("the partitions should be dropped");
    let response = Mandrill::of(&stack).deliver(&[event("open", "a1"), event("send", "a2")]).await;
    assert_eq!((response.status.as_u16(), response.json()), (200, receipt(2, 2, 0, 0)));
    assert_eq!(count(&stack, "quarantine").await, 0);
}

#[tokio::test]
async fn a_batch_with_too_many_elements_is_quarantined_whole() {
    let stack = Stack::start().expect("the stack should start");
    let response = Mandrill::of(&stack).deliver_text(&format!("[{}1]", "1,".repeat(2_000_000))).await;
    assert_eq!((response.status.as_u16(), response.json()), (200, receipt(1, 0, 0, 1)));
}
