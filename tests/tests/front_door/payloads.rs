//! Payloads are stored compressed, and come back byte for byte.

use std::collections::BTreeMap;

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill};
use serde_json::Value;
use stack::{Part, Stack};

/// Delivers elements as they are written.
async fn deliver(stack: &Stack, elements: &[String]) {
    let response = Mandrill::of(stack).deliver_text(&format!("[{}]", elements.join(","))).await;
    assert_eq!(
        (response.status.as_u16(), response.json()["stored"].as_u64()),
        (200, Some(elements.len() as u64)),
        "{}",
        response.text
    );
}

/// The elements as the API returns them, by message.
async fn returned(admin: &ApiClient) -> BTreeMap<String, String> {
    let mut returned = BTreeMap::new();
    for event in admin.all("/api/events?limit=100").await {
        let raw = admin.get(&format!("/api/events/{}/raw", event["id"])).await;
        assert_eq!(raw.status, 200, "{}", raw.text);
        returned.insert(event["message_id"].as_str().expect("an event should have a message").to_owned(), raw.text);
    }
    returned
}

/// The elements by message, each of which has the number of its place.
fn by_message(elements: &[String]) -> BTreeMap<String, String> {
    elements.iter().enumerate().map(|(number, element)| (format!("m{number}"), element.clone())).collect()
}

/// An element that no re-serialisation would leave as it is, padded by text that cannot be compressed well.
fn element(number: usize, padding: usize) -> String {
    let padding: String =
        (0..padding as u64).map(|place| format!("{:x}", (place + 1).wrapping_mul(number as u64 * 7_919 + 31) % 16)).collect();
    // The values that columns have too, each written in several ways.
    let same = format!(
        r#"["person{number}@example.com","PERSON{number}@example.com","https:\/\/example.com\/{number}","https://example.com/{number}",
           "Agent \"{number}\" \\ \/","Espa\u00f1a","Espa\u00F1a","España","250 2.0.0 Ok {number}","welcome","shop@example.com","198.51.100.7"]"#
    );
    format!(
        "{{ \"event\" :\"open\",\n\"ts\":170000{number:04} , \"_id\":\"m{number}\",\"x\":1e400,\"msg\":{{\"email\":\"person{number}@example.com\",\
         \"subject\":\"Caf\\u00e9 \\/ {number} \\ud800\",\"metadata\":{{\"b\":1,\"a\":2.50}},\"padding\":\"{padding}\",\"template\":\"welcome\",\"tags\":[\"first tag\",\"second \\/ tag\",\"third tag\"],\
         \"sender\":\"shop@example.com\",\"diag\":\"250 2.0.0 Ok {number}\"}},\"url\":\"https:\\/\\/example.com\\/{number}\",\"same\":{same},\
         \"user_agent\":\"Agent \\\"{number}\\\" \\\\ \\/\",\"ip\":\"198.51.100.7\",\"location\":{{\"country\":\"Espa\\u00f1a\",\"city\":\"M\\u00e1laga\"}} }}"
    )
}

const COMPRESSED: &str = "events where payload = '' and payload_frame is not null";
const PLAIN: &str = "events where payload <> '' and payload_frame is null";

#[tokio::test(flavor = "multi_thread")]
async fn payloads_are_stored_compressed_and_returned_and_exported_as_they_came() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    // A single event, a batch that goes by COPY, and an element that is too long to be compressed.
    let mut elements: Vec<String> = (0..300).map(|number| element(number, 1_200)).collect();
    elements.push(element(300, 2 << 20));
    deliver(&stack, &elements[..1]).await;
    deliver(&stack, &elements[1..]).await;
    let mut database = Database::of(&stack).await;
    assert_eq!((database.count(COMPRESSED).await, database.count(PLAIN).await), (300, 1));
    assert!(returned(&admin).await == by_message(&elements), "every byte should come back");

    let export = admin.get("/api/events/export?format=ndjson&payload=true").await;
    assert_eq!(export.status, 200, "{}", export.text);
    let exported: BTreeMap<String, Value> = export
        .text
        .lines()
        .map(|line| {
            let line: BTreeMap<String, Box<serde_json::value::RawValue>> =
                serde_json::from_str(line).expect("a line should be JSON");
            let id: String = serde_json::from_str(line["message_id"].get()).expect("an event should have a message");
            (id, Value::from(line["payload"].get()))
        })
        .collect();
    let lines: BTreeMap<String, Value> =
        by_message(&elements).into_iter().map(|(id, element)| (id, Value::from(element.replace('\n', " ")))).collect();
    assert!(exported == lines, "every payload should be in the export");
    assert_eq!(admin.get("/api/events/export?format=csv&payload=true").await.problem(), (400, "bad_page".to_owned()));
    assert!(!admin.get("/api/events/export?format=ndjson").await.text.contains("padding"));
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_from_before_are_compressed_in_the_background() {
    let mut stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut database = Database::of(&stack).await;
    let moment = |at: &str| format!("update upgrade_moments set at = {at} where name = 'compressed_payloads'");
    // As after an upgrade, while replicas of the version before may still run.
    database.run(&moment("now() + interval '1 hour'")).await;
    let elements: Vec<String> = (0..100).map(|number| element(number, 1_200)).collect();
    deliver(&stack, &elements[..1]).await;
    deliver(&stack, &elements[1..]).await;
    database.age_events(1).await;
    stack.ingest(&["upkeep"]).expect("the upkeep should succeed");
    assert_eq!((database.count(COMPRESSED).await, database.count(PLAIN).await), (0, 100), "the moment has not come");

    database.run(&moment("now()")).await;
    stack.ingest(&["upkeep"]).expect("the upkeep should succeed");
    assert_eq!((database.count(COMPRESSED).await, database.count(PLAIN).await), (100, 0));
    assert!(returned(&admin).await == by_message(&elements), "every byte should come back");
    stack.restart(Part::Ingest).expect("ingest should restart");
    deliver(&stack, &[element(100, 1_200)]).await;
    assert_eq!((database.count(COMPRESSED).await, database.count(PLAIN).await), (101, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trained_dictionary_serves_new_payloads_and_names_nobody() {
    let mut stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let elements: Vec<String> = (0..1_500).map(|number| event("open", &format!("person-{number}")).to_string()).collect();
    deliver(&stack, &elements).await;
    let train = ["dictionary", "train", "--payloads", "1000"];
    let tried = stack.ingest(&[&train[..], &["--dry-run"]].concat()).expect("the training should succeed");
    assert!(tried.contains("made from 9") && !tried.contains("stored"), "{tried}");
    let trained = stack.ingest(&train).expect("the training should succeed");
    assert!(trained.contains("stored as dictionary 1000"), "{trained}");
    let mut database = Database::of(&stack).await;
    for private in ["person-1", "shop.example", "@example.com", "Letter", "welcome"] {
        let found = format!("payload_dictionaries where id >= 1000 and position('{private}'::bytea in content) > 0");
        assert_eq!(database.count(&found).await, 0, "{private}");
    }

    // The id of a dictionary takes one byte in a frame below 256, and two above.
    let with_shipped = "events where get_byte(payload_frame, 4) & 3 = 1";
    assert_eq!(database.count(with_shipped).await, 1_500);
    stack.restart(Part::Ingest).expect("ingest should restart");
    let newer = event("open", "newer").to_string();
    deliver(&stack, std::slice::from_ref(&newer)).await;
    assert_eq!(database.count(with_shipped).await, 1_500);
    let events = admin.get("/api/events?limit=1").await.json();
    let id = &events["items"][0]["id"];
    assert_eq!(admin.get(&format!("/api/events/{id}/raw")).await.text, newer);
    let oldest = database.number("select min(id) from events").await.expect("there should be events");
    let oldest = admin.get(&format!("/api/events/{oldest}/raw")).await;
    assert!(elements.contains(&oldest.text), "{}", oldest.text);
}
