//! Events from files are stored once, wherever they came from first, and in the place where they belong.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use flate2::write::GzEncoder;
use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill, Socket};
use serde_json::{Value, json};
use stack::Stack;

const DAY: i64 = 86_400;

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock should be after 1970").as_secs();
    i64::try_from(now).expect("the clock should be right")
}

/// An event of a message, at this Unix time.
fn at(kind: &str, message: &str, ts: i64) -> Value {
    let mut event = event(kind, message);
    event["ts"] = json!(ts);
    event["user_agent"] = json!("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15");
    event
}

fn with_recipient(mut event: Value, address: &str) -> Value {
    event["msg"]["email"] = json!(address);
    event
}

fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

fn form(events: &[Value]) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair("mandrill_events", &Value::from(events).to_string()).finish()
}

/// Writes a file of the stack.
fn file(stack: &Stack, name: &str, content: impl AsRef<[u8]>) -> String {
    let path: PathBuf = stack.folder().join(name);
    fs::write(&path, content).expect("the file should be written");
    path.display().to_string()
}

fn import(stack: &Stack, arguments: &[&str]) -> String {
    stack.ingest(&[&["import"], arguments].concat()).expect("the import should succeed").trim().to_owned()
}

fn summary(read: u64, stored: u64, duplicates: u64, quarantined: u64, expired: u64, left_out: u64) -> String {
    format!(
        "{read} elements: {stored} stored, {duplicates} stored before or repeated, {quarantined} quarantined, \
         {expired} too old to be kept, {left_out} test or erased events of an export"
    )
}

/// Sends, deliveries and opens of messages, some of which are from 20 days ago and some from 70.
fn history(messages: usize) -> Vec<Value> {
    let start = now() - 70 * DAY;
    (0..messages)
        .flat_map(|n| {
            let sent = start + 50 * DAY * i64::from(n % 2 == 1) + i64::try_from(n).unwrap_or_default() * 60;
            let message = format!("m{n}");
            [at("send", &message, sent), at("delivered", &message, sent + 5), at("open", &message, sent + 900)]
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_is_stored_once_where_it_belongs() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let mut socket = Socket::of(&admin).await;
    socket.subscribe(None).await;
    let events = history(40);
    assert_eq!(mandrill.deliver(&events[..10]).await.json()["stored"], 10);
    let broken = "{\"event\":\"open\",\"ts\":1\n7\n{\"ts\":5}\n";
    let ndjson = file(&stack, "history.ndjson", format!("{}{broken}{}", lines(&events[..60]), lines(&events[50..])));

    let mut database = Database::of(&stack).await;
    let preview =
        summary(133, 110, 20, 3, 0, 0).replace(" stored,", " would be stored,").replace("quarantined", "would be quarantined");
    assert_eq!(import(&stack, &["--dry-run", &ndjson]), preview);
    assert_eq!(database.number("select count(*) from events").await, Some(10));
    assert_eq!(database.number("select count(*) from quarantine").await, Some(0));

    assert_eq!(import(&stack, &[&ndjson]), summary(133, 110, 20, 3, 0, 0));
    // Open pages fetch, and are not told of each event.
    let told = socket.next_of("reset").await;
    assert_eq!(told["reason"], "filed");
    assert_eq!(import(&stack, &[&ndjson]), summary(133, 0, 130, 3, 0, 0));
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(Value::from(events.clone()).to_string().as_bytes()).expect("memory can be written");
    let forms = format!("{}\n{}\n", form(&events[..70]), form(&events[70..]));
    for (name, content) in [
        ("array.json", format!("{:#}", Value::from(events.clone())).into_bytes()),
        ("array.json.gz", gzip.finish().expect("memory can be written")),
        ("lines.zst", zstd::encode_all(lines(&events).as_bytes(), 1).expect("memory can be written")),
        ("forms.txt", forms.into_bytes()),
    ] {
        assert_eq!(import(&stack, &[&file(&stack, name, content)]), summary(120, 0, 120, 0, 0, 0), "{name}");
    }
    // What was imported is not stored again when Mandrill delivers it after all.
    let late = mandrill.deliver(&events).await.json();
    assert_eq!((&late["stored"], &late["duplicates"]), (&json!(0), &json!(120)));

    let misfiled =
        "select count(*) from events where (source is null) <> (webhook is not null) or (source is null) <> (stored_at is null)
                      or source = 'import' and (received_at <> occurred_at or stored_at < now() - interval '1 hour')";
    assert_eq!(database.number(misfiled).await, Some(0));
    let list = admin.all("/api/events").await;
    let times: Vec<&str> = list.iter().filter_map(|event| event["received_at"].as_str()).collect();
    assert_eq!(times.len(), 120);
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
    let imported = list.iter().filter(|event| event["source"] == "import").count();
    assert_eq!((imported, list.iter().filter(|event| event["stored_at"].is_string()).count()), (110, 110));
    let csv = admin.get("/api/events/export?format=csv").await.text;
    assert_eq!(csv.lines().filter(|line| line.contains("\"import\"")).count(), 110);
    let notified = "select count(*) from notifications join events on events.id = event_id where events.source is not null";
    assert_eq!(database.number(notified).await, Some(0));
    let items = admin.all("/api/quarantine").await;
    assert!(items.len() == 3 && items.iter().all(|item| item["source"] == "import"), "{items:?}");
    // Once it can be read, a retry files it where an import does.
    let corrected = at("open", "corrected", now() - 200 * DAY).to_string();
    database.run(&format!("update quarantine set raw = convert_to('{corrected}', 'UTF8') where id = {}", items[0]["id"])).await;
    let retried = admin.post("/api/quarantine/retry", &json!({"select": {"ids": [items[0]["id"]]}})).await.json();
    assert_eq!(retried["items"][0]["outcome"], "stored", "{retried}");
    let filed = "select count(*) from events where message_id = 'corrected' and source = 'import' and received_at < now() - interval '199 days'";
    assert_eq!(database.number(filed).await, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_follow_at_once() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut database = Database::of(&stack).await;
    let mut events = history(30);
    // A person cannot open a message within a second of its delivery, which another chunk of the file tells.
    events.extend((0..4_000).map(|n| at("send", &format!("filler{n}"), now() - 21 * DAY)));
    events.push(at("open", "m1", now() - 20 * DAY + 66));
    import(&stack, &[&file(&stack, "history.ndjson", lines(&events))]);

    // An import is no delivery.
    let report = admin.get("/api/system").await.json();
    let waiting = report["findings"].as_array().into_iter().flatten().find(|finding| finding["check"] == "last_event");
    assert_eq!(waiting.map(|finding| &finding["state"]), Some(&json!("warn")), "{report}");

    let is_reviewed = "select count(*) from events where kind = 'open' and actor_reason = 'soon_after_delivery'";
    assert_eq!(database.number(is_reviewed).await, Some(1));
    let differing = "select count(*) from (
           select date_trunc('hour', received_at, 'UTC') as hour, facet, name, kind, simulated, count(*) from events_by_facet group by 1, 2, 3, 4, 5
         ) as expected full join (select hour, facet, name, kind, simulated, count from event_facets) as counted
           using (hour, facet, name, kind, simulated, count)
         where expected.hour is null or counted.hour is null";
    assert_eq!(database.number("select count(*) from event_facets").await.map(|rows| rows > 0), Some(true));
    assert_eq!(database.number(differing).await, Some(0));
    for (from, to) in [(100, 60), (30, 0)] {
        let time = |days: i64| format!("to_char(now() - interval '{days} days', 'YYYY-MM-DD\"T\"00:00:00\"Z\"')");
        let bounds = database.text(&format!("select {} || '&to=' || {}", time(from), time(to - 1))).await;
        let counts = admin.get(&format!("/api/stats?from={bounds}")).await.json()["counts"].clone();
        let range = bounds.replace("&to=", "' and received_at < '");
        let expected = format!(
            "select json_object_agg(kind, count)::text from (select kind, count(*) from events where received_at >= '{range}' group by 1) as counted"
        );
        let expected: Value = serde_json::from_str(&database.text(&expected).await).expect("Postgres should return JSON");
        assert_eq!(counts, expected, "{bounds}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_or_erased_stays_away() {
    let settings = [("SECRET_KEY", "a key of this test alone"), ("RETENTION_DAYS", "60")];
    let stack = Stack::start_with(&settings).expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut database = Database::of(&stack).await;
    let mut events = history(20);
    for event in &mut events[3..6] {
        *event = with_recipient(event.take(), "ada@example.com");
    }
    let erased = admin.post("/api/recipients/ada@example.com/erase", &json!({"confirm": "ada@example.com"})).await;
    assert_eq!(erased.status, 200, "{}", erased.text);
    let path = file(&stack, "history.ndjson", lines(&events));
    let import = |arguments: &[&str]| {
        stack.ingest_with(&[&["import"], arguments].concat(), &settings).expect("the import should succeed").trim().to_owned()
    };
    assert_eq!(import(&[&path]), summary(60, 30, 0, 0, 30, 0));
    let hers =
        "select count(*) from events where message_id = 'm1' and recipient is null and payload = '{}' and erased_at is not null";
    assert_eq!(database.number(hers).await, Some(3));
    assert_eq!(database.number("select count(*) from events where events::text ilike '%ada@example%'").await, Some(0));
    // A person who is erased while an import waits to commit stays erased too.
    let bo: Vec<Value> =
        (0..3).map(|n| with_recipient(at("send", &format!("bo{n}"), now() - 9 * DAY), "bo@example.com")).collect();
    let theirs = file(&stack, "bo.ndjson", lines(&bo));
    let mut blocker = Database::of(&stack).await;
    blocker.run("begin; lock table event_facets in share mode").await;
    let mut command = stack.command("ingest").expect("the program should exist");
    let mut importing =
        command.args(["import", &theirs]).envs(settings).stdout(Stdio::null()).spawn().expect("the import should start");
    let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%into event_facets%'";
    database.until("the import waits", waiting).await;
    let erased = admin.post("/api/recipients/bo@example.com/erase", &json!({"confirm": "bo@example.com"})).await;
    assert_eq!(erased.json()["events"], 0, "{}", erased.text);
    blocker.run("commit").await;
    assert!(importing.wait().expect("the import should end").success());
    assert_eq!(
        database.number("select count(*) from events where erased_at is not null and message_id like 'bo%'").await,
        Some(3)
    );
    assert_eq!(database.number("select count(*) from events where events::text ilike '%bo@example%'").await, Some(0));
    // A month that retention has dropped does not come back, whatever the setting is now.
    database.run("insert into retired_partitions (name, until) select 'events_2020_01', now() - interval '10 days'").await;
    database.run("delete from events").await;
    assert_eq!(import(&[&path]), summary(60, 0, 0, 0, 60, 0));
    // Without the key, an erased person could come back.
    let without = stack.ingest_with(&["import", &path], &[("SECRET_KEY", "")]).expect_err("the import should fail").to_string();
    assert!(without.contains("erased addresses cannot be recognised"), "{without}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_with_payloads_is_imported_elsewhere() {
    let (stack, other) = (Stack::start().expect("the stack should start"), Stack::start().expect("the stack should start"));
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let events = history(10);
    assert_eq!(mandrill.deliver(&events).await.json()["stored"], 30);
    let test = admin.post("/webhook/", &json!({"mandrill_events": [event("open", "test")]})).await;
    assert_eq!(test.json()["stored"], 1, "{}", test.text);
    let export = admin.get("/api/events/export?format=ndjson&payload=true").await.text;
    assert_eq!(import(&other, &[&file(&other, "export.ndjson", &export)]), summary(31, 30, 0, 0, 0, 1));
    let bare = admin.get("/api/events/export?format=ndjson").await.text;
    assert_eq!(import(&other, &[&file(&other, "bare.ndjson", &bare)]), summary(31, 0, 0, 30, 0, 1));
    let late = Mandrill::of(&other).deliver(&events).await.json();
    assert_eq!((&late["stored"], &late["duplicates"]), (&json!(0), &json!(30)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_continues() {
    let stack = Stack::start().expect("the stack should start");
    let mut database = Database::of(&stack).await;
    let events = history(20_000);
    let path = file(&stack, "history.ndjson", lines(&events));
    let mut command: Command = stack.command("ingest").expect("the program should exist");
    let mut importing =
        command.args(["import", &path]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the import should start");
    let stderr = BufReader::new(importing.stderr.take().expect("it is piped"));
    let mut seen = stderr.lines().map_while(Result::ok).filter(|line| line.contains(" per second"));
    assert!(seen.next().is_some(), "the import should take longer than a second");
    database.until("its position is stored", "select max(elements) from imports").await;
    importing.kill().expect("it should be running");
    importing.wait().expect("it should end");
    let before = database.number("select count(*) from events").await.expect("a count");
    assert!((1..60_000).contains(&before), "{before}");

    let mut command = stack.command("ingest").expect("the program should exist");
    let output = command.args(["import", &path]).output().expect("the import should run");
    assert!(output.status.success());
    let (shown, printed) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert!(shown.contains("continuing after"), "{shown}");
    assert!(!printed.starts_with("60000 "), "{printed}");
    assert_eq!(database.number("select count(*) from events").await, Some(60_000));
    assert_eq!(database.number("select count(*) from imports").await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_read_are_named() {
    let stack = Stack::start().expect("the stack should start");
    let fail = |path: &str| stack.ingest(&["import", path]).expect_err("the import should fail").to_string();
    assert!(fail("/does/not/exist").contains("/does/not/exist cannot be read"));
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(lines(&history(100)).as_bytes()).expect("memory can be written");
    let whole = gzip.finish().expect("memory can be written");
    let cut = file(&stack, "cut.gz", &whole[..whole.len() / 2]);
    let problem = fail(&cut);
    assert!(problem.contains("the file cannot be read"), "{problem}");
    assert_eq!(import(&stack, &[&file(&stack, "empty", "")]), summary(0, 0, 0, 0, 0, 0));
}
