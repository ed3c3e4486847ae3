//! A filter means one thing: the list asks SQL, a subscription asks the notifier, and both find the same.

use std::collections::BTreeSet;

use front_door::delivery::event;
use front_door::{Database, Dice, Follower, Mandrill, Socket, Visitor};
use serde_json::{Value, json};
use stack::Stack;

/// Letters whose case folds oddly, wildcards, separators, and what looks like JSON or SQL.
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

fn words(dice: &mut Dice) -> String {
    let count = 1 + dice.throw(3);
    (0..count).map(|_| dice.of(&WORDS)).collect::<Vec<_>>().join(" ")
}

fn random_event(dice: &mut Dice, number: usize) -> Value {
    let mut event = event(dice.of(&["open", "send", "click"]), &format!("m{number}"));
    let msg = &mut event["msg"];
    msg["email"] = json!(format!("{}@example.com", dice.of(&["ada", "ADA", "\u{c4}da", "\u{e4}da", "a_b"])));
    msg["sender"] = json!(dice.of(&["Shop@example.com", "shop@example.com", "other@example.com"]));
    msg["subject"] = json!(words(dice));
    msg["tags"] = json!([dice.of(&WORDS), dice.of(&["vip", "VIP"])]);
    msg["template"] = json!(dice.of(&["welcome", "Welcome", ""]));
    msg["subaccount"] = json!(dice.of(&["eu", "us"]));
    let number: Value = serde_json::from_str(dice.of(&NUMBERS)).expect("JSON");
    msg["metadata"] = json!({"text": dice.of(&WORDS), "number": number, "nested": {"a": [1, 2]}});
    event["ip"] = json!(format!("198.51.100.{}", dice.throw(3)));
    event
}

fn random_filter(dice: &mut Dice) -> Value {
    let mut filter = serde_json::Map::new();
    for _ in 0..=dice.throw(2) {
        let (name, value) = match dice.throw(14) {
            0 => ("kind", dice.of(&["open", "send,click", "open,bounce"]).to_owned()),
            1 => ("recipient", format!("{}@example.com", dice.of(&["ada", "Ada", "\u{c4}DA", "\u{e4}da", "a%b", "A_B"]))),
            2 => ("sender", dice.of(&["shop@example.com", "SHOP@EXAMPLE.COM", "shop"]).to_owned()),
            3 | 4 => ("subject", words(dice)),
            5 => ("tag", dice.of(&WORDS).to_owned()),
            6 => ("metadata.text", dice.of(&WORDS).to_owned()),
            7 => ("metadata.number", dice.of(&["7", "7.0", "100", "1e2", "0", "1.50", "1.5", "true", "null"]).to_owned()),
            8 => ("metadata.nested", r#"{"a": [1, 2]}"#.to_owned()),
            9 => (["template", "subaccount", "ip"][dice.throw(3)], dice.of(&["welcome", "eu", "198.51.100.1"]).to_owned()),
            10 => ("not.kind", dice.of(&["open", "send,click"]).to_owned()),
            11 => ("not.tag", dice.of(&WORDS).to_owned()),
            12 => [
                ("not.recipient", format!("{}@example.com", dice.of(&["ada", "\u{e4}DA"]))),
                ("not.metadata.number", dice.of(&["7", "100", "true"]).to_owned()),
                ("not.template", dice.of(&["welcome", ""]).to_owned()),
            ][dice.throw(3)]
            .clone(),
            _ => ("q", words(dice)),
        };
        filter.insert(name.to_owned(), json!(value));
    }
    Value::Object(filter)
}

#[tokio::test(flavor = "multi_thread")]
async fn list_and_subscription_find_the_same_for_every_filter() {
    let stack = Stack::start().expect("a stack");
    let admin = Visitor::admin(&stack).await;
    let mut follower = Follower::new(admin.clone());
    follower.connect().await;
    let start = Socket::of(&admin).await.subscribe(None).await["cursor"].as_str().expect("a cursor").to_owned();
    let mut dice = Dice::new(7);
    let events: Vec<Value> = (0..EVENTS).map(|number| random_event(&mut dice, number)).collect();
    assert_eq!(Mandrill::of(&stack).deliver(&events).await.json()["stored"], EVENTS);
    follower.follow_until(|follower| follower.events.len() == EVENTS).await;
    // Every replay ends with this.
    assert_eq!(admin.post("/api/notifications", &json!({"to": "all", "title": END})).await.status, 201);
    follower.follow_until(|follower| follower.notifications.values().any(|one| one["title"] == END)).await;

    // Knowing what there is, SQL looks up by its index what it would else walk through.
    Database::of(&stack).await.run("analyze events").await;
    let mut selective = 0;
    // Few enough on one socket that it is not sent away for saying too much.
    for _ in 0..FILTERS / 5 {
        let mut socket = Socket::of(&admin).await;
        for _ in 0..5 {
            let filter = random_filter(&mut dice);
            follower.filter = filter.clone();
            let listed: BTreeSet<i64> =
                admin.all(&follower.events_at()).await.iter().map(|event| event["id"].as_i64().expect("an id")).collect();
            let topics = ["events", "notifications"];
            socket.send(&json!({"type": "subscribe", "topics": topics, "filter": filter, "after": start})).await;
            assert_eq!(socket.next_of("subscribed").await["recovered"], true, "{filter}");
            let mut replayed = BTreeSet::new();
            let replaying = socket.read_until("the end of the replay", |frame| {
                if frame["type"] == "events" {
                    let items = frame["items"].as_array().expect("items");
                    replayed.extend(items.iter().map(|event| event["id"].as_i64().expect("an id")));
                }
                frame["type"] == "notification" && frame["title"] == END
            });
            replaying.await;
            assert_eq!(replayed, listed, "{filter}");
            selective += usize::from(!listed.is_empty() && listed.len() < EVENTS);
        }
    }
    assert!(selective > FILTERS / 4, "filters that select all or nothing prove little: {selective}");
}
