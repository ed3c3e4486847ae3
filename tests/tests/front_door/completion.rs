//! `/api/complete` suggests values that occur, for a filter that somebody types.

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill};
use serde_json::{Value, json};
use stack::Stack;

/// The values and counts that are suggested.
async fn suggested(admin: &ApiClient, field: &str, text: &str) -> Vec<(String, Option<i64>)> {
    let path = format!("/api/complete?field={field}&text={text}");
    let answer = admin.get(&path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    let answer = answer.json();
    let items = answer["items"].as_array().expect("items should be an array");
    items
        .iter()
        .map(|item| (item["value"].as_str().expect("value should be a string").to_owned(), item["count"].as_i64()))
        .collect()
}

fn message(kind: &str, number: usize) -> Value {
    let of_three = |values: [&str; 3]| values[number % 3].to_owned();
    let address = of_three(["tom.jones@example.com", "Ada@example.org", "joan@example.com"]);
    let template = of_three(["welcome-1", "reset", "a-welcome"]);
    let plan = if number.is_multiple_of(2) { "gold" } else { "free" };
    let mut event = event(kind, &format!("m{kind}{number}"));
    event["url"] = json!(format!("https://shop.example.com/{}", number % 2));
    event["msg"] = json!({
        "email": address, "sender": "Hello@shop.example.com", "subject": "Hello", "tags": ["welcome", format!("order-{}", number % 30)],
        "template": template, "subaccount": "eu", "metadata": {"plan": plan, "n": 7}
    });
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_occur_are_suggested_with_their_counts() {
    let mut stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let events: Vec<Value> = (0..60).map(|number| message(if number < 20 { "click" } else { "open" }, number)).collect();
    assert_eq!(Mandrill::of(&stack).deliver(&events).await.json()["stored"], 60);
    let mut inbound = event("inbound", "");
    inbound["msg"] =
        json!({"email": "in@example.com", "from_email": "stranger@example.net", "headers": {"Message-Id": "<1@example.net>"}});
    assert_eq!(Mandrill::of(&stack).deliver(&[inbound]).await.json()["stored"], 1);
    let counted =
        |values: &[(&str, i64)]| values.iter().map(|(value, count)| ((*value).to_owned(), Some(*count))).collect::<Vec<_>>();
    let named = |values: &[&str]| values.iter().map(|value| ((*value).to_owned(), None)).collect::<Vec<_>>();

    // The same before and after the hour is counted.
    for round in 0..2 {
        assert_eq!(suggested(&admin, "kind", "").await, counted(&[("open", 40), ("click", 20), ("inbound", 1)]), "round {round}");
        assert_eq!(suggested(&admin, "kind", "LI").await, counted(&[("click", 20)]));
        // Values that begin with the text precede those that contain it.
        assert_eq!(suggested(&admin, "template", "WELC").await, counted(&[("welcome-1", 20), ("a-welcome", 20)]));
        assert_eq!(suggested(&admin, "subaccount", "").await, counted(&[("eu", 60)]));
        assert_eq!(suggested(&admin, "sender", "").await, counted(&[("hello@shop.example.com", 60)]));
        assert_eq!(suggested(&admin, "domain", "example").await, counted(&[("example.com", 41), ("example.org", 20)]));
        assert_eq!(suggested(&admin, "actor", "").await.iter().map(|(_, count)| count.unwrap_or(0)).sum::<i64>(), 60);
        assert_eq!(suggested(&admin, "reason_class", "").await, []);
        let tags = suggested(&admin, "tag", "").await;
        assert_eq!((tags.len(), &tags[0]), (20, &("welcome".to_owned(), Some(60))));
        assert_eq!(suggested(&admin, "tag", "order-29").await, counted(&[("order-29", 2)]));

        assert_eq!(suggested(&admin, "recipient", "j").await, counted(&[("joan@example.com", 20)]));
        assert_eq!(suggested(&admin, "recipient", "jo").await, counted(&[("joan@example.com", 20)]));
        assert_eq!(suggested(&admin, "recipient", "JON").await, counted(&[("tom.jones@example.com", 20)]));
        assert_eq!(suggested(&admin, "recipient", "").await.len(), 4);
        assert_eq!(suggested(&admin, "recipient", "nobody").await, []);
        assert_eq!(suggested(&admin, "url", "SHOP").await, named(&["https://shop.example.com/0", "https://shop.example.com/1"]));
        assert_eq!(suggested(&admin, "metadata", "").await, named(&["n", "plan"]));
        assert_eq!(suggested(&admin, "metadata.plan", "").await, named(&["free", "gold"]));
        assert_eq!(suggested(&admin, "metadata.n", "").await, named(&["7"]));
        assert_eq!(suggested(&admin, "tag", "%25").await, []);

        if round == 0 {
            let mut database = Database::of(&stack).await;
            database.age_events(1).await;
            database
                .run(
                    "update event_tallies set at = at - interval '1 month';
                     update event_tally_deltas set at = at - interval '1 month';
                     update event_facets_until set until = until - interval '2 months'",
                )
                .await;
            stack.restart(stack::Part::Ingest).expect("ingest should restart");
            database
                .until("the hours are counted", "select count(*) from recent_values where field = 'tag' and value = 'welcome'")
                .await;
        }
    }
}

#[tokio::test]
async fn a_field_without_suggestions_is_refused() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    for query in
        ["", "?text=x", "?field=subject", "?field=metadata.", "?field=tag%00", "?field=tag&text=%00", "?field=tag&size=7"]
    {
        assert_eq!(admin.get(&format!("/api/complete{query}")).await.problem(), (400, "bad_page".to_owned()), "{query}");
    }
    assert_eq!(ApiClient::new(&stack).get("/api/complete?field=tag").await.status, 401);
}
