//! The histogram, statistics, export, and erasure of a recipient.

use std::collections::BTreeMap;

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill};
use reqwest::Method;
use serde_json::{Value, json};
use stack::Stack;

fn element(number: usize) -> Value {
    let kind = ["send", "open", "click", "hard_bounce"][number % 4];
    let mut event = event(kind, &format!("m{number}"));
    let msg = &mut event["msg"];
    msg["email"] = json!(format!("person{number}@{}", ["example.com", "example.org"][number % 2]));
    msg["subject"] = json!(["=SUM(A1)", "Your \"order\", Ada", "Zwei\nZeilen"][number % 3]);
    msg["tags"] = json!([if number.is_multiple_of(2) { "vip" } else { "orders" }]);
    msg["template"] = json!("welcome");
    // Mail servers identify a rejected message by a number, or by a UUID with few consecutive digits.
    let name = if number % 8 < 4 {
        format!("20261125{number}")
    } else {
        format!("984c9f8c-4a05-430e-9e1a-e45cb1c76b{:02x}", number % 256)
    };
    msg["diag"] = json!(format!("smtp;550 5.1.1 <person{number}@example.com> unknown, id {name}"));
    event
}

fn of_kind(counts: &Value) -> BTreeMap<String, i64> {
    serde_json::from_value(counts.clone()).expect("counts should map kinds to integers")
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_histogram_and_export_match_the_database() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let elements: Vec<Value> = (0..2_400).map(element).collect();
    for batch in elements.chunks(800) {
        assert_eq!(Mandrill::of(&stack).deliver(batch).await.json()["stored"], 800);
    }
    let each = BTreeMap::from(["send", "open", "click", "hard_bounce"].map(|kind| (kind.to_owned(), 600)));

    let statistics = admin.get("/api/stats?zone=Europe%2FBerlin").await.json();
    assert_eq!(of_kind(&statistics["counts"]), each);
    assert_eq!(of_kind(&statistics["previous"]["counts"]), BTreeMap::new());
    let summed = statistics["buckets"]
        .as_array()
        .expect("buckets should be an array")
        .iter()
        .flat_map(|bucket| of_kind(&bucket["counts"]));
    assert_eq!(summed.map(|(_, count)| count).sum::<i64>(), 2_400);
    assert_eq!(statistics["step"], "day");
    let names = |list: &str| -> Vec<(String, i64)> {
        let items = statistics[list].as_array().expect("the list should be an array").iter();
        items
            .map(|item| (item["name"].as_str().unwrap_or_default().to_owned(), of_kind(&item["counts"]).values().sum()))
            .collect()
    };
    assert_eq!(names("domains"), [("example.com".to_owned(), 1_200), ("example.org".to_owned(), 1_200)]);
    assert_eq!(names("tags"), [("orders".to_owned(), 1_200), ("vip".to_owned(), 1_200)]);
    assert_eq!(names("templates"), [("welcome".to_owned(), 2_400)]);
    assert_eq!(statistics["bounces"], json!([{"reason": "smtp;550 5.1.1 (address) unknown, id #", "count": 600}]));
    assert_eq!(admin.get("/api/stats?simulated=true").await.json()["counts"], json!({}));
    for bad in ["zone=Moon", "from=yesterday", "colour=red", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"] {
        assert_eq!(admin.get(&format!("/api/stats?{bad}")).await.problem(), (400, "bad_page".to_owned()), "{bad}");
    }

    let histogram = admin.get("/api/events/histogram?not.kind=send,open&tag=orders&buckets=10").await.json();
    let mut counted = BTreeMap::new();
    for (kind, count) in
        histogram["buckets"].as_array().expect("buckets should be an array").iter().flat_map(|bucket| of_kind(&bucket["kinds"]))
    {
        *counted.entry(kind).or_insert(0) += count;
    }
    assert_eq!(counted, BTreeMap::from([("hard_bounce".to_owned(), 600)]));
    assert_eq!(admin.get("/api/events/histogram?buckets=0").await.problem(), (400, "bad_page".to_owned()));

    // The export's pages fit together without gaps or duplicates, and no cell can start a spreadsheet formula.
    let export = admin.get("/api/events/export?format=csv").await;
    assert_eq!(export.header("content-disposition"), "attachment; filename=\"events.csv\"");
    let mut reader = csv::Reader::from_reader(export.text.as_bytes());
    let subject = reader
        .headers()
        .expect("the export should have a header row")
        .iter()
        .position(|name| name == "subject")
        .expect("the export should have a subject column");
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("the export should be valid CSV");
    let listed: Vec<String> = admin.all("/api/events?limit=200").await.iter().map(|event| event["id"].to_string()).collect();
    assert_eq!(rows.iter().map(|row| row[0].to_owned()).collect::<Vec<_>>(), listed);
    let subjects: std::collections::BTreeSet<&str> = rows.iter().map(|row| &row[subject]).collect();
    assert_eq!(subjects, ["'=SUM(A1)", "Your \"order\", Ada", "Zwei\nZeilen"].into());
    let opens = admin.get("/api/events/export?format=ndjson&kind=open").await;
    let lines: Vec<Value> =
        opens.text.lines().map(|line| serde_json::from_str(line).expect("the text should be valid JSON")).collect();
    assert_eq!((lines.len(), lines.iter().all(|event| event["kind"] == "open")), (600, true));
    let marked = admin.get("/api/events/export?format=csv&bom=true&kind=spam").await;
    assert!(marked.text.starts_with("\u{feff}\"id\",\"kind\","), "{}", &marked.text[..marked.text.len().min(80)]);
    assert_eq!(admin.get("/api/events/export?format=xls").await.problem(), (400, "bad_page".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn facets_of_finished_hours_are_counted_once_and_outlive_the_events() {
    let mut stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let elements: Vec<Value> = (0..400).map(element).collect();
    assert_eq!(Mandrill::of(&stack).deliver(&elements).await.json()["stored"], 400);
    let mut database = Database::of(&stack).await;
    // Simulates events that arrived last month and have not been counted yet.
    database.age_events(1).await;
    database.run("update event_facets_until set until = until - interval '2 months'").await;
    let range = "/api/stats?from=2020-01-01T00:00:00Z";
    let before = admin.get(range).await.json();
    for _ in 0..2 {
        // Upkeep runs when ingest starts.
        stack.restart(stack::Part::Ingest).expect("ingest should restart");
        let counted = "select count(*) from event_facets_until where until > now() - interval '2 hours'";
        database.until("the hours are counted", counted).await;
        let after = admin.get(range).await.json();
        for list in ["domains", "tags", "templates", "bounces"] {
            assert_eq!(after[list], before[list], "{list}");
        }
    }
    assert_eq!(database.number("select sum(count)::bigint from event_facets where facet = 'tag'").await, Some(400));
    database.run("delete from events").await;
    assert_eq!(admin.get(range).await.json()["tags"], before["tags"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_recipient_is_removed_everywhere_and_not_restored_by_duplicates() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mandrill = Mandrill::of(&stack);
    let mut open = event("open", "m1");
    open["msg"]["email"] = json!("Ada@example.com");
    open["msg"]["subject"] = json!("Dear Ada");
    let mut other = event("open", "m2");
    other["msg"]["email"] = json!("bo@example.com");
    // An inbound email from the recipient, and a rule that creates a notification for it.
    let rules = json!({"rules": [{"kinds": ["inbound", "open"]}]});
    assert_eq!(admin.change(Method::PUT, "/api/rules", &rules).await.status, 200);
    let inbound = json!({"event": "inbound", "ts": 1_700_000_000, "msg":
        {"email": "support@example.com", "from_email": "ada@example.com", "subject": "Dear Ada's answer", "headers": {"Message-Id": "<1@example.com>"}}});
    let poison = json!({"event": "", "msg": {"email": "ada@example.com"}});
    // Addresses that merely contain the erased address belong to other people.
    let longer = json!({"event": "", "msg": {"email": "lada@example.com", "cc": "ada@example.community, ada@example.com.au"}});
    let batch = [open.clone(), other, inbound, poison, longer];
    assert_eq!(mandrill.deliver(&batch).await.json(), json!({"received": 5, "stored": 3, "duplicates": 0, "quarantined": 2}));

    let path = "/api/recipients/ada@example.com/erase";
    let counts = json!({"events": 2, "notifications": 2, "quarantined": 1});
    assert_eq!(admin.post(path, &json!({"dry_run": true})).await.json(), counts);
    assert_eq!(admin.post(path, &json!({"confirm": "bo@example.com"})).await.problem(), (400, "not_confirmed".to_owned()));
    let viewer = ApiClient::viewer(&stack, "viewer@example.com").await;
    assert_eq!(viewer.post(path, &json!({"confirm": "ada@example.com"})).await.status, 403);
    assert_eq!(admin.post(path, &json!({"confirm": "ada@example.com"})).await.json(), counts);

    // A duplicate delivery does not restore the erased events.
    let repeat = mandrill.deliver(&[open]).await.json();
    assert_eq!((&repeat["stored"], &repeat["duplicates"]), (&json!(0), &json!(1)));
    for path in ["/api/events", "/api/notifications", "/api/messages/m1", "/api/audit", "/api/events/export?format=ndjson"] {
        let shown = admin.get(path).await.text.to_lowercase();
        assert!(!shown.contains("ada@example.com") && !shown.contains("dear ada"), "{path}: {shown}");
    }
    assert_eq!(admin.get("/api/recipients/ada@example.com").await.status, 404);
    let events = admin.get("/api/events").await.json();
    let erased: Vec<&Value> =
        events["items"].as_array().expect("items should be an array").iter().filter(|one| one["erased_at"].is_string()).collect();
    assert_eq!(erased.len(), 2);
    assert_eq!(admin.get(&format!("/api/events/{}/raw", erased[0]["id"])).await.text, "{}");
    assert_eq!(admin.get("/api/stats").await.json()["counts"], json!({"open": 2, "inbound": 1}));
}
