//! The history of a single message and of a single recipient.

use front_door::delivery::event;
use front_door::{ApiClient, Mandrill};
use serde_json::{Value, json};
use stack::Stack;

fn at(kind: &str, id: &str, ts: i64) -> Value {
    let mut event = event(kind, id);
    event["ts"] = json!(ts);
    event["msg"]["email"] = json!("Ada@Example.com");
    event
}

#[tokio::test]
async fn message_history_is_chronological_and_lists_related_messages() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let odd = "odd id/with?signs & \u{fc}";
    let batch = [
        at("click", "m1", 1_700_000_300),
        at("send", "m1", 1_700_000_000),
        at("open", "m1", 1_700_000_200),
        at("deferral", "m1", 1_700_000_100),
        at("send", "m2", 1_700_000_400),
        at("hard_bounce", "m2", 1_700_000_500),
        at("send", odd, 1_700_000_600),
        event("send", "elsewhere"),
    ];
    assert_eq!(Mandrill::of(&stack).deliver(&batch).await.json()["stored"], 8);
    let message = admin.get("/api/messages/m1").await.json();
    let kinds: Vec<&str> = message["events"]
        .as_array()
        .expect("events should be an array")
        .iter()
        .map(|one| one["kind"].as_str().expect("kind should be a string"))
        .collect();
    assert_eq!((kinds, &message["cut"]), (vec!["send", "deferral", "open", "click"], &json!(false)));
    let related: Vec<(&str, &str)> = message["related"]
        .as_array()
        .expect("related should be an array")
        .iter()
        .map(|one| {
            (
                one["message_id"].as_str().expect("the id should be a string"),
                one["kind"].as_str().expect("kind should be a string"),
            )
        })
        .collect();
    assert_eq!(
        related,
        [(odd, "send"), ("m2", "hard_bounce")],
        "related messages should be newest first, with their last event, and to the same recipient"
    );
    let path = "/api/messages/odd%20id%2Fwith%3Fsigns%20%26%20%C3%BC";
    assert_eq!(admin.get(path).await.json()["message_id"], odd);
    for path in ["/api/messages/none", "/api/messages/%FF", "/api/recipients/nobody@example.com"] {
        assert_eq!(admin.get(path).await.problem(), (404, "not_found".to_owned()), "{path}");
    }

    let recipient = admin.get("/api/recipients/ADA@example.com").await.json();
    let kinds: Vec<(&str, i64)> = recipient["kinds"]
        .as_array()
        .expect("kinds should be an array")
        .iter()
        .map(|one| {
            (one["kind"].as_str().expect("kind should be a string"), one["count"].as_i64().expect("count should be an integer"))
        })
        .collect();
    assert_eq!(
        kinds,
        [("send", 3), ("hard_bounce", 1), ("click", 1), ("open", 1), ("deferral", 1)],
        "kinds should be ordered by their last event, newest first"
    );
    assert_eq!(recipient["kinds"][0]["first_at"], "2023-11-14T22:13:20Z");
    let person = |kind: &str| recipient["engagement"][kind]["at"].clone();
    assert_eq!((person("open"), person("click")), (json!("2023-11-14T22:16:40Z"), json!("2023-11-14T22:18:20Z")));
    let messages: Vec<(&str, &Value)> = recipient["messages"]
        .as_array()
        .expect("messages should be an array")
        .iter()
        .map(|one| (one["message_id"].as_str().expect("the id should be a string"), &one["kinds"]))
        .collect();
    assert_eq!(
        messages,
        [(odd, &json!(["send"])), ("m2", &json!(["send", "hard_bounce"])), ("m1", &json!(["send", "deferral", "open", "click"]))]
    );
    assert_eq!(recipient["suppressions"][0]["kind"], "hard_bounce");
    assert_eq!((recipient["suppressions"].as_array().map(Vec::len), &recipient["erased_at"]), (Some(1), &Value::Null));
    assert_eq!(recipient["suppressions"][0]["message_id"], "m2");
    let of_scanner = |kind: &str, id: &str, agent: &str| {
        let mut event = event(kind, id);
        event["user_agent"] = json!(agent);
        event["msg"]["email"] = json!("bo@example.com");
        event
    };
    let agent = "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Thunderbird/128.4.0";
    let events = [of_scanner("click", "m9", "Mimecast"), of_scanner("open", "m9", "Mimecast"), of_scanner("open", "m9", agent)];
    Mandrill::of(&stack).deliver(&events).await;
    let messages = admin.get("/api/recipients/bo@example.com").await.json()["messages"].clone();
    assert_eq!(messages[0]["machine_kinds"], json!(["click"]), "a person opened it, too: {messages}");
    let anonymous = ApiClient::new(&stack);
    for path in ["/api/messages/m1", "/api/recipients/ada@example.com"] {
        assert_eq!(anonymous.get(path).await.status, 401);
    }
}
