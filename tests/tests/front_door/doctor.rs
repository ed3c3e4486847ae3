//! Diagnostics: near misses identify misconfigurations, alerts report silence and refusals, and the doctor reports everything.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill, Socket, until};
use serde_json::{Value, json};
use stack::{Part, Stack};

const KEY: &str = "k3y-One_22chars_abcdEF";
const URL: &str = "https://hooks.example.com/webhook/?b=2&a=1";

/// A well-formed signature that no key makes.
const FOREIGN_SIGNATURE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Waits until more than `before` refusals with this reason are recorded, and returns the row and its count.
async fn wait_for_refusal(admin: &ApiClient, reason: &str, before: i64) -> (Value, i64) {
    until("the refusal is recorded", || async {
        let listed = admin.all("/api/refusals").await;
        let row = listed.into_iter().find(|row| row["reason"] == reason)?;
        let count = row["count"].as_i64()?;
        assert!(count > 1 || row["first_at"] == row["last_at"], "{row}");
        (count > before).then_some((row, count))
    })
    .await
}

#[tokio::test]
async fn near_misses_name_every_configuration_mistake() {
    let stack =
        Stack::start_with(&[("WEBHOOK_KEYS", &format!("main={KEY},other=k3y-Two_22chars_ghijKL")), ("WEBHOOK_URLS", URL)])
            .expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut mandrill = Mandrill::of(&stack);
    KEY.clone_into(&mut mandrill.key);
    let system = admin.get("/api/system").await.json();
    assert_eq!((&system["webhook_urls"], &system["received_any"]), (&json!([URL]), &json!(false)));
    let value = json!([{"event": "open", "ts": 1, "_id": "m1", "url": "https://example.com/a", "msg": {"subject": "Café"}}]);
    let plain = value.to_string();
    let php = plain.replace('/', "\\/").replace('é', "\\u00e9");
    let signed = |key: &str, url: &str, value: &str| {
        let mut other = mandrill.clone();
        key.clone_into(&mut other.key);
        url.clone_into(&mut other.url);
        other.sign(&[("mandrill_events", value.as_bytes())])
    };
    let valid = signed(KEY, URL, &php);
    let hex: String = BASE64_STANDARD
        .decode(&valid)
        .expect("the signature should be base64")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let url_safe = BASE64_URL_SAFE_NO_PAD.encode(BASE64_STANDARD.decode(&valid).expect("the signature should be base64"));
    let with = |old: &str, new: &str| signed(KEY, &URL.replace(old, new), &php);
    let matrix = [
        ("scheme", with("https", "http"), &php),
        (
            "host",
            with(
                "hooks.example.com",
                stack.address().trim_start_matches("http://").split(':').next().expect("the address should have a host"),
            ),
            &php,
        ),
        ("port", with("example.com", "example.com:443"), &php),
        ("slash", with("webhook/?", "webhook?"), &php),
        ("query_order", with("b=2&a=1", "a=1&b=2"), &php),
        ("query_extra", with("?b=2&a=1", ""), &php),
        ("json", valid.clone(), &plain),
        ("public_key", signed("test-webhook", URL, &php), &php),
        ("label_in_key", signed(&format!("main={KEY}"), URL, &php), &php),
        ("hex", hex, &php),
        ("base64", url_safe, &php),
        ("scheme+slash", with("https", "http").clone(), &php),
        ("port", signed("k3y-Two_22chars_ghijKL", &URL.replace("example.com", "example.com:8080"), &php), &php),
    ];
    let mut count = 0;
    for (number, (cause, signature, value)) in matrix.into_iter().enumerate() {
        let signature =
            if cause == "scheme+slash" { signed(KEY, "http://hooks.example.com/webhook?b=2&a=1", &php) } else { signature };
        let escaped: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let form = format!("mandrill_events={escaped}");
        // Ingest explains at most one refusal per second and network, so the request is repeated until it does.
        let row = until("the mistake is explained", || async {
            let response = mandrill.post(form.clone(), Some(&signature)).await;
            assert_eq!(response.problem(), (401, "wrong_signature".to_owned()));
            assert!(!response.text.contains("hooks.example.com"), "the response must not reveal the URL");
            let (row, seen) = wait_for_refusal(&admin, "wrong_signature", count).await;
            let codes = row["near_miss"].as_str()?.split('+').map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
            (codes == cause.split('+').map(str::to_owned).collect()).then_some((row, seen))
        })
        .await;
        count = row.1;
        let hint = row.0["hint"].as_str().expect("hint should be a string");
        assert!(hint.len() > 20, "{cause}: {hint}");
        if number == 12 {
            assert!(hint.contains("other"), "the hint should name the key: {hint}");
        }
        let doctor = stack.ingest(&["doctor"]).expect_err("refusals should fail the doctor").to_string();
        assert!(
            doctor.contains(&format!("near miss: {}", row.0["near_miss"].as_str().expect("near_miss should be a string"))),
            "{cause}: {doctor}"
        );
        assert!(doctor.contains(hint), "{cause}: {doctor}");
    }
}

#[tokio::test]
async fn credentials_in_the_url_are_detected_and_never_shown() {
    let url = "https://hooks.example.com/webhook/";
    let stack = Stack::start_with(&[("WEBHOOK_KEYS", KEY), ("WEBHOOK_URLS", url)]).expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mandrill = Mandrill::new("https://user:s3cret@hooks.example.com/webhook/", KEY);
    let value = json!([event("open", "m1")]).to_string();
    let escaped: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let request = reqwest::Client::new()
        .post(stack.webhook_url())
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-mandrill-signature", mandrill.sign(&[("mandrill_events", value.as_bytes())]))
        .basic_auth("user", Some("s3cret"))
        .body(format!("mandrill_events={escaped}"));
    assert_eq!(request.send().await.expect("the server should respond").status(), 401);
    let (row, _) = wait_for_refusal(&admin, "wrong_signature", 0).await;
    assert_eq!(row["near_miss"], "credentials");
    assert!(!row["hint"].as_str().expect("hint should be a string").contains("s3cret"), "{row}");
}

fn finding<'a>(report: &'a Value, check: &str) -> &'a Value {
    report["findings"]
        .as_array()
        .expect("findings should be an array")
        .iter()
        .find(|finding| finding["check"] == check)
        .expect("the report should contain the finding")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_reports_every_check_and_its_remedy() {
    let mut stack = Stack::start().expect("the stack should start");
    let (admin, viewer) = (ApiClient::admin(&stack).await, ApiClient::viewer(&stack, "vera@example.com").await);
    for path in ["/api/system", "/api/refusals"] {
        assert_eq!(ApiClient::new(&stack).get(path).await.problem(), (401, "signed_out".to_owned()));
        assert_eq!(viewer.get(path).await.problem(), (403, "forbidden".to_owned()));
    }
    let first = admin.get("/api/system").await.json();
    assert_eq!(first["state"], "warn");
    assert_eq!(finding(&first, "last_event")["what"], "No delivery from Mandrill has arrived yet.");
    assert_eq!(Mandrill::of(&stack).deliver_text(r#"[17,{"event":"open","_id":"m1","ts":1}]"#).await.status, 200);
    let report = admin.get("/api/system").await.json();
    assert_eq!(finding(&report, "last_event")["state"], "ok", "{report}");
    assert_eq!(finding(&report, "quarantine")["state"], "warn", "{report}");
    for check in ["keys", "urls", "redis", "database", "clock", "schema", "partitions", "replicas", "relay", "refusals"] {
        assert_eq!(finding(&report, check)["state"], "ok", "{report}");
    }
    let printed = stack.ingest(&["doctor"]).expect("no check should fail");
    assert!(printed.contains("WARN  quarantine"), "{printed}");

    let without_key = stack.ingest_with(&["doctor"], &[("WEBHOOK_KEYS", "")]).expect_err("the command should fail").to_string();
    assert!(without_key.contains("FAIL  keys") && without_key.contains("ingest webhook add"), "{without_key}");
    let mut database = Database::of(&stack).await;
    // As a writer of version 0.2.0 names itself.
    database.run("set application_name = 'ingest-writing'").await;
    let mixed = admin.get("/api/system").await.json();
    assert_eq!(finding(&mixed, "replicas")["state"], "warn", "{mixed}");
    database.run("set application_name = 'test'").await;
    database.run("delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)").await;
    let old = stack.ingest(&["doctor"]).expect_err("the command should fail").to_string();
    assert!(old.contains("FAIL  schema") && old.contains("ingest migrate"), "{old}");
    stack.stop(Part::Redis);
    stack.stop(Part::Postgres);
    let unavailable = stack.ingest_with(&["doctor", "--json"], &[]).expect_err("the command should fail").to_string();
    let json = &unavailable[unavailable.find('{').expect("the output should contain JSON")
        ..=unavailable.rfind('}').expect("the output should contain JSON")];
    let unavailable: Value = serde_json::from_str(json).expect("the text should be valid JSON");
    assert_eq!(finding(&unavailable, "database")["state"], "fail");
    assert_eq!(finding(&unavailable, "redis")["state"], "warn");
}

#[tokio::test]
async fn alarms_notify_admins_once_at_start_and_once_at_end() {
    let stack = Stack::start_with(&[("SILENCE_ALERT_MINUTES", "30")]).expect("the stack should start");
    let (admin, viewer) = (ApiClient::admin(&stack).await, ApiClient::viewer(&stack, "vera@example.com").await);
    let (mandrill, mut database) = (Mandrill::of(&stack), Database::of(&stack).await);
    let mut socket = Socket::of(&admin).await;
    socket.subscribe(None).await;
    assert_eq!(mandrill.deliver(&[event("send", "m1")]).await.status, 200);
    let past = "update event_tally_deltas set at = at - interval '31 minutes';
                update event_tallies set last_at = last_at - interval '31 minutes'";
    database.run(past).await;
    assert_eq!(socket.next_of("notification").await["title"], "No deliveries from Mandrill");
    let metrics = format!("{}/metrics", stack.direct(Part::Ingest));
    let wait_for_metric = async |line: &'static str| {
        until("the metric has the value", || async {
            let text = reqwest::get(&metrics).await.ok()?.text().await.ok()?;
            text.lines().any(|found| found == line).then_some(())
        })
        .await;
    };
    wait_for_metric(r#"ingest_alarm{name="silence"} 1"#).await;
    let doctor =
        stack.ingest_with(&["doctor"], &[("SILENCE_ALERT_MINUTES", "30")]).expect_err("the command should fail").to_string();
    assert!(doctor.contains("FAIL  last_event"), "{doctor}");
    assert_eq!(mandrill.deliver(&[event("send", "m2")]).await.status, 200);
    assert_eq!(socket.next_of("notification").await["title"], "Resolved: No deliveries from Mandrill");
    wait_for_metric(r#"ingest_alarm{name="silence"} 0"#).await;

    // Junk of a stranger is counted, but it is no delivery of Mandrill's.
    for _ in 0..3 {
        assert_eq!(mandrill.post("mandrill_events=[]", Some(FOREIGN_SIGNATURE)).await.status, 401);
        assert_eq!(mandrill.post("mandrill_events=%5B%7B%22ts%22%3A1%7D%5D", Some("junk")).await.status, 401);
    }
    let (row, _) = wait_for_refusal(&admin, "wrong_signature", 5).await;
    assert_eq!((&row["proven"], &row["likely"]), (&json!(0), &json!(0)));
    let report = admin.get("/api/system").await.json();
    assert_eq!(finding(&report, "refusals")["state"], "warn", "{report}");
    // What looks like a delivery raises the alarm, and the alarm says that nothing proves it.
    for _ in 0..3 {
        assert_eq!(mandrill.post("mandrill_events=%5B%7B%22ts%22%3A1%7D%5D", Some(FOREIGN_SIGNATURE)).await.status, 401);
    }
    let alarm = socket.next_of("notification").await;
    assert_eq!(alarm["title"], "Mandrill deliveries are being refused");
    assert!(alarm["body"].as_str().is_some_and(|body| body.starts_with("3 requests that look like Mandrill's")), "{alarm}");
    wait_for_metric(r#"ingest_alarm{name="refusals"} 1"#).await;
    database.run("update refusals set last_at = last_at - interval '61 minutes'").await;
    assert_eq!(socket.next_of("notification").await["title"], "Resolved: Mandrill deliveries are being refused");
    assert_eq!(admin.all("/api/notifications").await.len(), 4, "admins should get one notification per change");
    assert_eq!(viewer.all("/api/notifications").await.len(), 0, "viewers should get none");
}

#[tokio::test]
async fn a_flood_of_junk_displaces_no_near_miss() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let mut misplaced = mandrill.clone();
    misplaced.url = misplaced.url.replace("/webhook/", "/webhook");
    let batch = json!([event("open", "m1")]).to_string();
    let direct = format!("{}/webhook/", stack.direct(Part::Ingest));
    // As if from 3,000 networks: nginx passes the address on, and the service listens behind it.
    let junk = async |number: usize, signature: Option<&str>| {
        let mut request = reqwest::Client::new()
            .post(&direct)
            .header("x-real-ip", format!("10.{}.{}.1", number / 250, number % 250))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("mandrill_events=junk");
        if let Some(signature) = signature {
            request = request.header("x-mandrill-signature", signature);
        }
        assert_eq!(request.send().await.expect("the service should respond").status(), 401);
    };
    junk(0, Some(FOREIGN_SIGNATURE)).await;
    assert_eq!(misplaced.deliver_text(&batch).await.status, 401);
    let near_miss = async || {
        let listed = admin.all("/api/refusals").await;
        listed.into_iter().find(|row| row["near_miss"] == "slash")
    };
    let row = until("the near miss is found in spite of the junk before it", near_miss).await;
    assert_eq!(row["proven"], 1);
    for number in 1..1500 {
        junk(number, None).await;
        junk(number, Some("junk")).await;
    }
    let (_, _) = wait_for_refusal(&admin, "unsigned", 0).await;
    until("the flood is stored", || async {
        let listed = admin.all("/api/refusals").await;
        let total: i64 = listed.iter().filter_map(|row| row["count"].as_i64()).sum();
        assert!(listed.len() <= 400, "the flood should be bounded: {}", listed.len());
        (total > 0 && listed.iter().any(|row| row["reason"] == "unsigned")).then_some(())
    })
    .await;
    assert!(near_miss().await.is_some(), "the near miss should be kept");
}

#[tokio::test]
async fn credentials_in_configured_addresses_are_masked() {
    let url = "https://user:s3cret@hooks.example.com/webhook/";
    let stack = Stack::start_with(&[("WEBHOOK_URLS", url)]).expect("the stack should start");
    let system = ApiClient::admin(&stack).await.get("/api/system").await;
    assert!(system.text.contains("https://***@hooks.example.com/webhook/"), "{}", system.text);
    assert!(!system.text.contains("s3cret"), "{}", system.text);
}
