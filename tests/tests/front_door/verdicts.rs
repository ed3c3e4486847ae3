//! Verdicts on events are the same on every surface, and change only when they have to.

use std::collections::BTreeMap;

use front_door::delivery::event;
use front_door::live::Socket;
use front_door::{ApiClient, Database, Mandrill};
use serde_json::{Value, json};
use stack::{Part, Stack};

const SENT: i64 = 1_790_000_000;
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0";

/// An element of the corpora, and the verdict that it should have.
struct Case {
    element: Value,
    id: String,
    recipient: String,
    kind: String,
    reason_class: Value,
    actor: Value,
}

/// The corpora of replies and user agents, as events.
fn cases() -> Vec<Case> {
    let replies = include_str!("../../fixtures/replies.tsv").lines().map(|line| ("diag", line));
    let agents = include_str!("../../fixtures/agents.tsv").lines().map(|line| ("user_agent", line));
    let case = |(at, (field, line)): (usize, (&str, &str))| {
        let [kind, verdict, text] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (id, recipient) = (format!("case{at}"), format!("case{at}@example.com"));
        let mut element = event(kind, &id);
        element["ts"] = json!(SENT + 600);
        element["msg"]["email"] = json!(recipient);
        element["msg"]["ts"] = json!(SENT);
        let is_reply = field == "diag";
        if is_reply {
            element["msg"]["diag"] = json!(text);
        } else {
            element["user_agent"] = json!(text);
        }
        let (reason_class, actor) = if is_reply { (json!(verdict), Value::Null) } else { (Value::Null, json!(verdict)) };
        Case { element, id, recipient, kind: kind.to_owned(), reason_class, actor }
    };
    replies.chain(agents).enumerate().map(case).collect()
}

fn verdict(item: &Value) -> (Value, Value) {
    (item["reason_class"].clone(), item["actor"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_case_of_the_corpora_has_one_verdict_on_every_surface() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let mut socket = Socket::of(&admin).await;
    socket.subscribe(None).await;
    let cases = cases();
    assert!(cases.len() >= 260, "{}", cases.len());
    let elements: Vec<Value> = cases.iter().map(|case| case.element.clone()).collect();
    assert_eq!(mandrill.deliver(&elements).await.json()["stored"], cases.len());
    let mut live = BTreeMap::new();
    while live.len() < cases.len() {
        for item in socket.next_of("events").await["items"].as_array().into_iter().flatten() {
            live.insert(item["message_id"].as_str().unwrap_or_default().to_owned(), verdict(item));
        }
    }
    let by_message = |items: Vec<Value>| -> BTreeMap<String, Value> {
        items.into_iter().map(|item| (item["message_id"].as_str().unwrap_or_default().to_owned(), item)).collect()
    };
    let listed = by_message(admin.all("/api/events").await);
    let notified = by_message(admin.all("/api/notifications").await);
    let exported: BTreeMap<String, Value> = by_message(
        admin
            .get("/api/events/export?format=ndjson")
            .await
            .text
            .lines()
            .map(|line| serde_json::from_str(line).expect("each line should be an object"))
            .collect(),
    );
    let mut classes: BTreeMap<String, usize> = BTreeMap::new();
    for case in &cases {
        let expected = (case.reason_class.clone(), case.actor.clone());
        let what = &case.element;
        assert_eq!(live[&case.id], expected, "live: {what}");
        assert_eq!(verdict(&listed[&case.id]), expected, "list: {what}");
        assert_eq!(verdict(&exported[&case.id]), expected, "export: {what}");
        let detail = admin.get(&format!("/api/events/{}", listed[&case.id]["id"])).await.json();
        assert_eq!(verdict(&detail), expected, "detail: {what}");
        let message = admin.get(&format!("/api/messages/{}", case.id)).await.json();
        assert_eq!(verdict(&message["events"][0]), expected, "message: {what}");
        let recipient = admin.get(&format!("/api/recipients/{}", case.recipient)).await.json();
        assert_eq!(recipient["kinds"][0]["reason_class"], case.reason_class, "recipient: {what}");
        if case.kind == "open" {
            assert_eq!(notified[&case.id]["actor"], case.actor, "notification: {what}");
            assert_eq!(notified[&case.id]["actor_reason"], listed[&case.id]["actor_reason"], "notification: {what}");
        }
        let name = case.reason_class.as_str().map(|class| format!("reason_class={class}"));
        *classes.entry(name.unwrap_or_else(|| format!("actor={}", case.actor.as_str().unwrap_or_default()))).or_default() += 1;
    }
    let statistics = admin.get("/api/stats").await.json();
    for (filter, count) in classes {
        assert_eq!(admin.all(&format!("/api/events?{filter}")).await.len(), count, "{filter}");
        assert_eq!(admin.all(&format!("/api/events?not.{filter}")).await.len(), cases.len() - count, "not.{filter}");
        let (name, code) = filter.split_once('=').expect("a filter should have a value");
        let rows = &statistics[if name == "actor" { "actors" } else { "reasons" }];
        let row = rows.as_array().into_iter().flatten().find(|row| row["name"] == code).expect("the verdict should be counted");
        let counted: u64 = row["counts"].as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum();
        assert_eq!(counted, count as u64, "{filter}");
    }
    assert_eq!(admin.get("/api/events?reason_class=bad").await.problem(), (400, "bad_filter".to_owned()));
}

/// The counts by quarter of an hour, and the same from the events themselves.
const COUNTED: &str = "select concat_ws(' ', at, occurred, webhook, simulated, kind, reason_class, actor, sum(count)) from
    (select at, occurred, webhook, simulated, kind, reason_class, actor, count from event_tallies where outcome = 'stored'
     union all select quarter_hour(at), occurred, webhook, simulated, kind, reason_class, actor, count from event_tally_deltas
     where outcome = 'stored') as one
    group by at, occurred, webhook, simulated, kind, reason_class, actor having sum(count) <> 0 order by 1";
const STORED: &str =
    "select concat_ws(' ', quarter_hour(received_at), quarter_hour(occurred_at), coalesce(webhook, ''), simulated, kind,
           coalesce(reason_class, ''), coalesce(actor, ''), count(*)) from events
    group by quarter_hour(received_at), quarter_hour(occurred_at), coalesce(webhook, ''), simulated, kind,
           coalesce(reason_class, ''), coalesce(actor, '') order by 1";

#[tokio::test(flavor = "multi_thread")]
async fn events_of_the_version_before_are_decided_on_and_counted_in_the_background() {
    let mut stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let mut database = Database::of(&stack).await;
    let elements: Vec<Value> = cases().into_iter().map(|case| case.element).collect();
    assert_eq!(mandrill.deliver(&elements).await.status, 200);
    let verdicts = "select concat_ws(' ', message_id, reason_class, actor, actor_reason, verdict_rules) from events order by 1";
    let decided = database.text(verdicts).await;
    database.until("the outbox is empty", "select (count(*) = 0)::int::bigint from outbox").await;
    let mut socket = Socket::of(&admin).await;
    socket.subscribe(None).await;
    stack.stop(Part::Ingest);
    // As version 0.2.0 stores and counts them.
    database.create_month(1).await;
    database
        .run(
            "update events set received_at = received_at - interval '3 hours', reason_class = null, actor = null,
                               actor_reason = null, verdict_rules = null;
             delete from event_tallies; delete from event_tally_deltas; delete from background_jobs;
             insert into event_counts (hour, webhook, simulated, kind, outcome, count, last_at)
             select date_trunc('hour', received_at), coalesce(webhook, ''), simulated, kind, 'stored', count(*), max(received_at)
             from events group by 1, 2, 3, 4",
        )
        .await;
    let notifications = database.count("notifications").await;

    stack.restart(Part::Ingest).expect("ingest should restart");
    assert_eq!(socket.next_of("reset").await["reason"], "verdicts");
    assert_eq!(database.text(verdicts).await, decided);
    let recounted = "select (count(*) = 0)::int::bigint from event_counts where outcome = 'stored'";
    database.until("the hours are counted by quarters", recounted).await;
    assert_eq!(database.text(COUNTED).await, database.text(STORED).await);
    assert_eq!(database.count("notifications").await, notifications, "no notification is added");
    database.until("the outbox is empty", "select (count(*) = 0)::int::bigint from outbox").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_delivery_changes_a_verdict_once() {
    let mut stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let mut database = Database::of(&stack).await;
    let of_message = |kind: &str, id: &str, seconds: i64, url: Option<&str>| {
        let mut element = event(kind, id);
        element["ts"] = json!(SENT + seconds);
        element["msg"]["ts"] = json!(SENT);
        element["user_agent"] = json!(BROWSER);
        element["url"] = json!(url);
        element
    };
    let elements = [
        of_message("delivered", "slow", 600, None),
        of_message("open", "slow", 601, None),
        of_message("open", "slow", 5_000, None),
        of_message("click", "slow", 606, Some("https://example.com/a")),
        of_message("click", "many", 700, Some("https://example.com/a")),
        of_message("click", "many", 700, Some("https://example.com/b")),
        of_message("click", "many", 701, Some("https://example.com/c")),
        of_message("click", "few", 700, Some("https://example.com/a")),
        of_message("click", "few", 701, Some("https://example.com/b")),
    ];
    assert_eq!(mandrill.deliver(&elements).await.json()["stored"], elements.len());
    assert_eq!(admin.all("/api/events?actor=person").await.len(), 8, "nothing is known about the delivery yet");
    database.until("the outbox is empty", "select (count(*) = 0)::int::bigint from outbox").await;
    let mut socket = Socket::of(&admin).await;
    socket.subscribe(None).await;
    stack.stop(Part::Ingest);
    // Reviews wait until all commits must have ended.
    database.create_month(1).await;
    database
        .run(
            "update events set received_at = received_at - interval '2 minutes';
             update event_tallies set at = quarter_hour((select max(received_at) from events));
             update event_tally_deltas set at = (select max(received_at) from events);
             delete from background_jobs where name = 'actor_review'",
        )
        .await;
    stack.restart(Part::Ingest).expect("ingest should restart");
    let mut changed = BTreeMap::new();
    for _ in 0..5 {
        let frame = socket.next_of("changed").await;
        changed.insert(frame["id"].as_i64().unwrap_or_default(), (frame["actor"].clone(), frame["reason"].clone()));
    }
    let events = admin.all("/api/events").await;
    let expected = |event: &Value| match (event["message_id"].as_str(), event["kind"].as_str(), &event["occurred_at"]) {
        (Some("slow"), Some("open"), at) if at == "2026-09-21T14:23:21Z" => Some(("prefetch", "soon_after_delivery")),
        (Some("slow"), Some("click"), _) => Some(("scanner", "soon_after_delivery")),
        (Some("many"), ..) => Some(("scanner", "many_links_at_once")),
        _ => None,
    };
    for event in &events {
        let id = event["id"].as_i64().unwrap_or_default();
        let stored = (event["actor"].clone(), event["actor_reason"].clone());
        match expected(event) {
            Some((actor, reason)) => {
                assert_eq!(stored, (json!(actor), json!(reason)), "{event}");
                assert_eq!(changed.get(&id), Some(&stored), "{event}");
            }
            None => assert!(!changed.contains_key(&id) && stored.0 != "scanner", "{event}"),
        }
    }
    let notifications = admin.all("/api/notifications").await;
    let actors: Vec<&Value> = notifications.iter().map(|notification| &notification["actor"]).collect();
    assert!(actors.contains(&&json!("prefetch")) && actors.contains(&&json!("person")), "{actors:?}");
    assert_eq!(database.text(COUNTED).await, database.text(STORED).await);

    database.run("update background_jobs set position = null where name = 'actor_review'").await;
    database
        .until(
            "everything is reviewed again",
            "select (position is not null)::int::bigint from background_jobs where name = 'actor_review'",
        )
        .await;
    let total = "select changed from background_jobs where name = 'actor_review'";
    assert_eq!(database.number(total).await, Some(5), "each verdict changes once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_message_opened_later_makes_no_address_reachable_again() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let at = |kind: &str, seconds: i64| {
        let mut element = event(kind, &format!("{kind}{seconds}"));
        element["ts"] = json!(SENT + seconds);
        element["msg"]["email"] = json!("ada@example.com");
        element
    };
    let list = |action: &str, seconds: i64| json!({"type": "blacklist", "action": action, "ts": SENT + seconds, "reject": {"email": "ada@example.com", "reason": "unsub"}});
    let standing = async || {
        let standing = admin.get("/api/recipients/ada@example.com").await.json()["standing"].clone();
        (standing["state"].as_str().unwrap_or_default().to_owned(), standing["since"].as_str().unwrap_or_default().to_owned())
    };
    for (elements, state, since) in [
        (vec![at("delivered", 0), at("open", 60)], "reachable", "2026-09-21T14:13:20Z"),
        (vec![at("unsub", 120), at("open", 180)], "unsubscribed", "2026-09-21T14:15:20Z"),
        // Of two events within a second, the stronger one counts, whatever their order.
        (vec![list("add", 240), at("spam", 240), at("click", 300)], "denylisted", "2026-09-21T14:17:20Z"),
        (vec![list("remove", 360)], "released", "2026-09-21T14:19:20Z"),
        (vec![at("delivered", 420)], "reachable", "2026-09-21T14:20:20Z"),
        (vec![at("hard_bounce", 480), at("open", 540)], "bounced", "2026-09-21T14:21:20Z"),
    ] {
        assert_eq!(mandrill.deliver(&elements).await.json()["stored"], elements.len());
        assert_eq!(standing().await, (state.to_owned(), since.to_owned()), "{elements:?}");
    }
}
