//! Unusual elements that Mandrill is known to send, and every kind of invalid element.

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill};
use serde_json::{Value, json};
use stack::Stack;

/// Returns the only stored event for a message.
async fn stored(admin: &ApiClient, id: &str) -> Value {
    let found = admin.all(&format!("/api/events?message_id={id}")).await;
    assert_eq!(found.len(), 1, "{id}: {found:?}");
    found[0].clone()
}

#[tokio::test]
async fn irregular_elements_are_stored_and_returned_byte_for_byte() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, admin) = (Mandrill::of(&stack), ApiClient::admin(&stack).await);
    let elements = [
        r#"{"event":"open","ts":"1700000000","_id":"ts","msg":{"_id":"ts","sender":null,"ts":null,"email":"a@example.com"}}"#,
        r#"{"event":"click","ts":1700000000,"_id":"meta","url":"https:\/\/example.com\/","msg":{"metadata":[],"tags":null,"template":null}}"#,
        r#"{"event":"open","ts":1700000000,"_id":"msgs","msg":[]}"#,
        r#"{"event":"open","ts":1700000000,"_id":"null","msg":null}"#,
        r#"{"event":"open","ts":1700000000,"_id":"none"}"#,
        r#"{"event":"open","ts":1700000000,"_id":"empty","msg":{}}"#,
        r#"{"event":"send","ts":1700000000,"msg":{"_id":"inner","email":"b@example.com"}}"#,
        r#"{"event":"open","ts":1700000000,"_id":"e587306<\/div><\/body><meta name=","msg":{}}"#,
        r#"{"event":"open","ts":1700000000,"_id":"place","location":{"country":"Spain","city":"-","latitude":"INVALID IP ADDRESS","longitude":"invalid ipv4 ip address"},"user_agent_parsed":{"ua_version":null},"msg":{"opens":[{"ts":1,"location":"Madrid, ES","ua":"Linux\/Firefox"}]}}"#,
        r#"{"event":"delivered","ts":1700000000,"_id":"delivered","diag":"250 OK","msg":{"email":"c@example.com"}}"#,
        r#"{"event":"sms_delivered","ts":1700000000,"_id":"sms","msg":{"to":"+15550100"}}"#,
        r#"{"event":"not_known_yet","ts":1700000000,"_id":"new","msg":{"email":"d@example.com"}}"#,
        r#"{"event":"hard_bounce","ts":1700000000,"_id":"bounce","msg":{"diag":"","bounce_description":"bad_mailbox","bgtools_code":10,"_version":5}}"#,
        r#"{"type":"whitelist","action":"add","ts":1700000000,"entry":{"email":"friend@example.com","detail":null,"created_at":"2023-11-14 22:13:20"}}"#,
        r#"{"type":"allowlist","action":"remove","ts":1700000000,"entry":{"email":"friend@example.com"}}"#,
        r#"{"type":"denylist","action":"change","ts":1700000000,"reject":{"email":"gone@example.com","reason":"hard-bounce","detail":null,"expired":false}}"#,
        r#"{"event":"inbound","ts":1700000000,"msg":{"headers":[],"raw_msg":"Subject: a","email":"in@example.com","to":[["in@example.com,",null]],"cc":null}}"#,
        r#"{"event":"inbound","ts":1700000000,"msg":{"headers":{"Message-Id":"<in-1@example.org>","Received":["a","b"]},"email":"in@example.com","from_email":"gus@example.org","attachments":{"=?utf-8?Q?a/b?=":{"name":"a\/b","type":"text\/plain","content":"x"}},"images":{"i":{"content":"aGk="}}}}"#,
        r#"{"event":"open","ts":1358000000,"_id":"old","msg":{"subject":"Caf\u00e9 \u0000 \ud83d\ude00 \ud83d"}}"#,
    ];
    let response = mandrill.deliver_text(&format!("[{}]", elements.join(","))).await;
    assert_eq!(response.json(), json!({"received": 19, "stored": 19, "duplicates": 0, "quarantined": 0}));
    assert_eq!(stored(&admin, "ts").await["occurred_at"], "2023-11-14T22:13:20Z");
    assert_eq!(stored(&admin, "meta").await["metadata"], Value::Null);
    assert_eq!(stored(&admin, "inner").await["recipient"], "b@example.com");
    assert_eq!(stored(&admin, "place").await["country"], "Spain");
    assert_eq!(stored(&admin, "delivered").await["diagnostic"], "250 OK");
    assert_eq!(stored(&admin, "bounce").await["diagnostic"], "bad_mailbox");
    assert_eq!(stored(&admin, "old").await["subject"], "Café \u{fffd} 😀 \u{fffd}");
    assert_eq!(stored(&admin, "%3Cin-1@example.org%3E").await["sender"], "gus@example.org");
    for (kind, count) in [
        ("whitelist_add", 1),
        ("whitelist_remove", 1),
        ("blacklist_change", 1),
        ("inbound", 2),
        ("sms_delivered", 1),
        ("not_known_yet", 1),
    ] {
        assert_eq!(admin.all(&format!("/api/events?kind={kind}")).await.len(), count, "{kind}");
    }
    let mut raws = Vec::new();
    for event in admin.all("/api/events").await {
        raws.push(admin.get(&format!("/api/events/{}/raw", event["id"])).await.text);
    }
    raws.sort_unstable();
    let mut sent = elements.to_vec();
    sent.sort_unstable();
    assert_eq!(raws, sent, "the raw elements should be unchanged");
    let twice = format!("[{0},{0}]", event("click", "twice"));
    assert_eq!(
        mandrill.deliver_text(&twice).await.json(),
        json!({"received": 2, "stored": 1, "duplicates": 1, "quarantined": 0})
    );
}

#[tokio::test]
async fn a_mail_with_20_mib_of_attachments_is_stored_whole() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, admin) = (Mandrill::of(&stack), ApiClient::admin(&stack).await);
    let content = "QUJD".repeat((20 << 20) / 4);
    let mail = json!({"event": "inbound", "ts": 1_700_000_000, "msg": {"headers": {"Message-Id": "<big@example.org>"}, "email": "in@example.com",
        "attachments": {"a.pdf": {"name": "a.pdf", "type": "application/pdf", "base64": true, "content": content}}}});
    let text = mail.to_string();
    assert_eq!(mandrill.deliver_text(&format!("[{text}]")).await.json()["stored"], 1);
    let id = stored(&admin, "%3Cbig@example.org%3E").await["id"].clone();
    assert_eq!(admin.get(&format!("/api/events/{id}/raw")).await.text, text);
}

/// Builds an invalid element. The number selects one of eight kinds and makes the element unique.
fn poison(number: usize) -> String {
    match number % 8 {
        0 => format!("{number}"),
        1 => format!(r#"{{"n":{number}}}"#),
        2 => format!(r#"{{"event":"","type":null,"n":{number}}}"#),
        3 => format!(r#"{{"event":"{}","ts":1,"n":{number}}}"#, "k".repeat(65)),
        4 => format!(r#"{{"event":"open","ts":1,"_id":"{}{number}"}}"#, "i".repeat(520)),
        5 => format!(r#""text {number}""#),
        6 => format!(r#"[{{"event":"open","n":{number}}}]"#),
        _ => format!(r#"{{"event":["open"],"n":{number}}}"#),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_with_invalid_elements_lose_nothing_and_retries_add_nothing() {
    let stack = Stack::start().expect("the stack should start");
    let mut database = Database::of(&stack).await;
    let batches: Vec<String> = (0..1_000)
        .map(|number| {
            let mut elements: Vec<String> = (0..99).map(|n| event("open", &format!("b{number}-{n}")).to_string()).collect();
            elements.insert(number % 100, poison(number));
            format!("[{}]", elements.join(","))
        })
        .collect();
    for (stored, duplicates) in [(99, 0), (0, 99)] {
        for chunk in batches.chunks(16) {
            let mandrill = Mandrill::of(&stack);
            let responses = futures::future::join_all(chunk.iter().map(|batch| mandrill.deliver_text(batch))).await;
            for response in responses {
                let expected = json!({"received": 100, "stored": stored, "duplicates": duplicates, "quarantined": 1});
                assert_eq!((response.status.as_u16(), response.json()), (200, expected));
            }
        }
        assert_eq!(database.count("events").await, 99_000);
        assert_eq!(database.count("quarantine").await, 1_000);
    }
}
