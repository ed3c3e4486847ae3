//! Filters behave the same everywhere: lists evaluate them in SQL, subscriptions in the notifier, and both select the same events.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use front_door::delivery::event;
use front_door::{ApiClient, Database, Follower, Mandrill, Rng, Socket};
use serde_json::{Value, json};
use stack::Stack;

/// Letters with unusual case folding, wildcards, separators, and text that resembles JSON or SQL.
const WORDS: [&str; 22] = [
    "invoice",
    "INVOICE",
    "Stra\u{df}e",
    "STRASSE",
    "\u{130}stanbul",
    "istanbul",
    "\u{39f}\u{394}\u{39f}\u{3a3}",
    "\u{3bf}\u{3b4}\u{3cc}\u{3c2}",
    "100%",
    "a_b",
    "back\\slash",
    "\u{c9}t\u{e9}",
    "\u{e9}t\u{e9}",
    "quote\"d",
    "it's",
    "\u{1f600}",
    "a\u{300}",
    "tab\there",
    "a\u{a0}b",
    "\u{1e}x\u{1f}",
    "e\u{301}",
    "x",
];
const NUMBERS: [&str; 9] = ["7", "7.0", "1e2", "100", "-0", "1.50", "15e-1", "true", "null"];
const EVENTS: usize = 400;
const FILTERS: usize = 300;
const END: &str = "The end";

/// Random texts of all planes, the same in every run.
static RANDOM_TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut rng = Rng::new(6);
    let mut text = || -> String {
        let characters = (0..400).filter_map(|_| char::from_u32(u32::try_from(1 + rng.below(0x10_ffff)).unwrap_or(1)));
        characters.take(3).collect()
    };
    (0..20).map(|_| text()).collect()
});

/// A word of any kind.
fn word(rng: &mut Rng) -> String {
    if rng.below(3) == 0 { RANDOM_TEXTS[rng.below(RANDOM_TEXTS.len())].clone() } else { rng.choose(&WORDS).to_owned() }
}

fn words(rng: &mut Rng) -> String {
    let count = 1 + rng.below(3);
    (0..count).map(|_| word(rng)).collect::<Vec<_>>().join(" ")
}

/// A part of a word, in any case.
fn part(rng: &mut Rng) -> String {
    let word = word(rng);
    let skipped = rng.below(word.chars().count());
    let part: String = word.chars().skip(skipped).take(1 + rng.below(3)).collect();
    if rng.below(2) == 0 { part.to_ascii_uppercase() } else { part }
}

fn random_event(rng: &mut Rng, number: usize) -> Value {
    let mut event = event(rng.choose(&["open", "send", "click"]), &format!("m{number}"));
    let msg = &mut event["msg"];
    let domain = rng.choose(&["example.com", "example.com", "Example.org"]);
    msg["email"] = json!(format!("{}@{domain}", rng.choose(&["ada", "ADA", "\u{c4}da", "\u{e4}da", "a_b"])));
    msg["sender"] = json!(rng.choose(&["Shop@example.com", "shop@example.com", "other@example.com"]));
    msg["subject"] = json!(words(rng));
    msg["tags"] = json!([word(rng), rng.choose(&["vip", "VIP"])]);
    msg["template"] = json!(rng.choose(&["welcome", "Welcome", ""]));
    msg["subaccount"] = json!(rng.choose(&["eu", "us"]));
    let number: Value = serde_json::from_str(rng.choose(&NUMBERS)).expect("the text should be valid JSON");
    msg["metadata"] = json!({"text": word(rng), "number": number, "nested": {"a": [1, 2]}});
    event["ip"] = json!(format!("198.51.100.{}", rng.below(3)));
    event
}

fn random_filter(rng: &mut Rng) -> Value {
    let mut filter = serde_json::Map::new();
    for _ in 0..=rng.below(2) {
        let (name, value) = match rng.below(18) {
            0 => ("kind", rng.choose(&["open", "send,click", "open,bounce"]).to_owned()),
            1 => ("recipient", format!("{}@example.com", rng.choose(&["ada", "Ada", "\u{c4}DA", "\u{e4}da", "a%b", "A_B"]))),
            2 => ("sender", rng.choose(&["shop@example.com", "SHOP@EXAMPLE.COM", "shop"]).to_owned()),
            3 | 4 => ("subject", words(rng)),
            5 => ("tag", word(rng)),
            6 => ("metadata.text", word(rng)),
            7 => ("metadata.number", rng.choose(&["7", "7.0", "100", "1e2", "0", "1.50", "1.5", "true", "null"]).to_owned()),
            8 => ("metadata.nested", r#"{"a": [1, 2]}"#.to_owned()),
            9 => (["template", "subaccount", "ip"][rng.below(3)], rng.choose(&["welcome", "eu", "198.51.100.1"]).to_owned()),
            10 => ("not.kind", rng.choose(&["open", "send,click"]).to_owned()),
            11 => ("not.tag", word(rng)),
            12 => [
                ("not.recipient", format!("{}@example.com", rng.choose(&["ada", "\u{e4}DA"]))),
                ("not.metadata.number", rng.choose(&["7", "100", "true"]).to_owned()),
                ("not.template", rng.choose(&["welcome", ""]).to_owned()),
            ][rng.below(3)]
            .clone(),
            13 => (["tag.prefix", "tag.contains"][rng.below(2)], part(rng)),
            14 => (
                ["template.prefix", "template.contains", "subaccount.prefix", "subaccount.contains"][rng.below(4)],
                rng.choose(&["welc", "COME", "e", "U", "_", "%"]).to_owned(),
            ),
            15 => (["domain", "not.domain"][rng.below(2)], rng.choose(&["example.com", "@EXAMPLE.org", "ample.com"]).to_owned()),
            16 => ("id", format!("{}, {},{}", 1 + rng.below(EVENTS), 1 + rng.below(EVENTS), EVENTS + 1000)),
            _ => ("q", words(rng)),
        };
        filter.insert(name.to_owned(), json!(value));
    }
    Value::Object(filter)
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_subscriptions_select_the_same_events() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut follower = Follower::new(admin.clone());
    follower.connect().await;
    let start = Socket::of(&admin).await.subscribe(None).await["cursor"].as_str().expect("cursor should be a string").to_owned();
    let mut rng = Rng::new(7);
    let events: Vec<Value> = (0..EVENTS).map(|number| random_event(&mut rng, number)).collect();
    assert_eq!(Mandrill::of(&stack).deliver(&events).await.json()["stored"], EVENTS);
    follower.follow_until(|follower| follower.events.len() == EVENTS).await;
    // Marks the end of every replay.
    assert_eq!(admin.post("/api/notifications", &json!({"to": "all", "title": END})).await.status, 201);
    follower.follow_until(|follower| follower.notifications.values().any(|one| one["title"] == END)).await;

    // With statistics, Postgres chooses index lookups instead of scanning from the newest event.
    Database::of(&stack).await.run("analyze events").await;
    let mut selective = 0;
    // Opening a new socket every five filters stays below the frame rate limit.
    for _ in 0..FILTERS / 5 {
        let mut socket = Socket::of(&admin).await;
        for _ in 0..5 {
            let filter = random_filter(&mut rng);
            follower.filter = filter.clone();
            let listed: BTreeSet<i64> = admin
                .all(&follower.events_path())
                .await
                .iter()
                .map(|event| event["id"].as_i64().expect("id should be an integer"))
                .collect();
            let topics = ["events", "notifications"];
            socket.send(&json!({"type": "subscribe", "topics": topics, "filter": filter, "after": start})).await;
            assert_eq!(socket.next_of("subscribed").await["recovered"], true, "{filter}");
            let mut replayed = BTreeSet::new();
            let replaying = socket.read_until("the end of the replay", |frame| {
                if frame["type"] == "events" {
                    let items = frame["items"].as_array().expect("items should be an array");
                    replayed.extend(items.iter().map(|event| event["id"].as_i64().expect("id should be an integer")));
                }
                frame["type"] == "notification" && frame["title"] == END
            });
            replaying.await;
            assert_eq!(replayed, listed, "{filter}");
            let export = follower.events_path().replace("/api/events?", "/api/events/export?format=ndjson&");
            let exported = admin.get(&export).await;
            assert_eq!(exported.status, 200, "{filter}: {}", exported.text);
            let exported: BTreeSet<i64> = exported
                .text
                .lines()
                .map(|line| {
                    serde_json::from_str::<Value>(line).expect("each line should be JSON")["id"].as_i64().unwrap_or_default()
                })
                .collect();
            assert_eq!(exported, listed, "{filter}");
            selective += usize::from(!listed.is_empty() && listed.len() < EVENTS);
        }
    }
    assert!(selective > FILTERS / 4, "too few filters select a subset of the events: {selective}");
}
