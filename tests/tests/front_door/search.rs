//! Searches use an index: the tests read the executed plans from the Postgres log.

use std::fs;

use front_door::{ApiClient, Database, Mandrill};
use serde_json::{Value, json};
use stack::{Part, Stack};

/// Enough rows to make a sequential scan the wrong plan, as in production.
const ROWS: u32 = 60_000;
/// Makes Postgres log the plan of every statement.
const EXPLAIN: &str = "
    alter system set session_preload_libraries = 'auto_explain';
    alter system set auto_explain.log_min_duration = 0;
    select pg_reload_conf()";

/// Each filter on its own, and some combinations. `n` is a number that appears in few events.
fn filters() -> Vec<String> {
    let n = ROWS - 7;
    let common =
        ["kind=open", "kind=open,click", "not.kind=send", "simulated=false", "not.tag=orders", "from=2020-01-01T00:00:00Z", ""];
    let rare = [
        "recipient=hugo.adams7@mail.example.com".to_owned(),
        "sender=billing@example.com".to_owned(),
        "subject=order%207".to_owned(),
        "tag=rare".to_owned(),
        format!("metadata.customer=c{n}"),
        format!("metadata.number={n}"),
        "metadata.plan=gold".to_owned(),
        "template=reset".to_owned(),
        "subaccount=eu".to_owned(),
        "message_id=m7".to_owned(),
        "ip=198.51.100.7".to_owned(),
        "url=https%3A%2F%2Fexample.com%2F7".to_owned(),
        "q=adams7".to_owned(),
        "q=order%20eu".to_owned(),
        "q=nothing%20like%20this".to_owned(),
    ];
    let both = rare.iter().map(|filter| format!("{filter}&kind=click&not.tag=x&from=2020-01-01T00:00:00Z"));
    common.iter().map(|filter| (*filter).to_owned()).chain(rare.iter().cloned()).chain(both.collect::<Vec<_>>()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_filter_causes_a_sequential_scan() {
    let mut stack = Stack::start().expect("the stack should start");
    let mut database = Database::of(&stack).await;
    database.fill_events(ROWS).await;
    for statement in EXPLAIN.split(';') {
        database.run(statement).await;
    }
    // auto_explain is loaded only in new connections.
    stack.restart(Part::Ingest).expect("ingest should restart");
    let admin = ApiClient::admin(&stack).await;
    for filter in filters() {
        let listed = admin.get(&format!("/api/events?{filter}")).await;
        assert_eq!(listed.status, 200, "{filter}: {}", listed.text);
        if let Some(next) = listed.json()["next"].as_str() {
            assert_eq!(admin.get(&format!("/api/events?{filter}&cursor={next}")).await.status, 200, "{filter}");
        }
    }
    for path in ["/api/recipients/hugo.adams7@mail.example.com", "/api/messages/m7", "/api/events/7"] {
        assert_eq!(admin.get(path).await.status, 200, "{path}");
    }
    let log = fs::read_to_string(stack.log(Part::Postgres)).expect("the log of Postgres should be readable");
    let plans: Vec<&str> = log.split("Query Text: ").skip(1).filter(|plan| plan.contains("from events where")).collect();
    assert!(plans.len() >= filters().len(), "{} plans", plans.len());
    // Sequential scans of months without events are cheap, so they are allowed.
    let month = database
        .number("select to_char(now() - interval '1 month', 'YYYYMM')::bigint")
        .await
        .expect("the query should return a month");
    let filled = format!("Seq Scan on events_{}_{:02} ", month / 100, month % 100);
    for plan in plans {
        assert!(!plan.contains(&filled) || reads_all_that_is_left(plan), "{plan}");
    }
}

/// Whether this is the plan of a step of a scan that may read more events than Postgres expects to be left, so that no order of them is faster.
fn reads_all_that_is_left(plan: &str) -> bool {
    let number =
        |text: &str| text.split(|sign: char| !sign.is_ascii_digit()).next().and_then(|digits| digits.parse::<u64>().ok());
    let limit = || {
        let (before, _) = plan.split_once(") as events where true")?;
        let (_, parameter) = before.rsplit_once(" limit ")?;
        let (_, value) = plan.split_once(&format!("{parameter} = '"))?;
        number(value)
    };
    let expected = || {
        let (_, step) = plan.split_once("Subquery Scan on events")?;
        let (_, rows) = step.split_once("->  Limit ")?.1.split_once(" rows=")?;
        number(rows)
    };
    limit().zip(expected()).is_some_and(|(limit, expected)| expected < limit)
}

#[tokio::test(flavor = "multi_thread")]
async fn ingest_merges_the_search_index_after_a_delivery() {
    let stack = Stack::start().expect("the stack should start");
    let mut database = Database::of(&stack).await;
    database.run("create extension pgstattuple").await;
    let open =
        json!({"event": "open", "ts": 1_790_000_000, "_id": "m", "msg": {"email": "ann@example.com", "subject": "Merged"}});
    assert_eq!(Mandrill::of(&stack).deliver(&[open]).await.status, 200);
    let pending = "select (count(*) filter (where pending_tuples > 0) = 0)::int::bigint
                   from pg_inherits cross join lateral pgstatginindex(inhrelid) where inhparent = 'events_search_idx'::regclass";
    database.until("the pending list is merged", pending).await;
}

/// Subjects, each containing a substring that occurs in no other subject.
const SUBJECTS: [(&str, &str); 9] = [
    ("Your order 4711 \u{2013} Thank You", "hank"),
    ("Ihre Bestellung aus der Stra\u{df}e", "stra\u{df}e"),
    ("\u{8acb}\u{6c42}\u{66f8}\u{306e}\u{304a}\u{77e5}\u{3089}\u{305b}", "\u{66f8}\u{306e}\u{304a}"),
    ("\u{1f389}\u{1f389}\u{1f38a} party", "\u{1f389}\u{1f38a}"),
    ("\u{130}stanbul a\u{301}e\u{301}", "stanbul"),
    ("tab\tand\u{1}control\u{1e}\u{1f}", "ndcon"),
    ("100% of_it \\ 'quoted'", "0% of_i"),
    ("a.b-c d", "b-c"),
    ("", "no subject"),
];

fn click(number: usize, subject: &str, padding: &str) -> Value {
    json!({"event": "click", "ts": 1_790_000_000 + number, "_id": format!("m{number}"), "ip": format!("198.51.100.{number}"),
           "url": format!("https://example.com/{number}?p={}", "long".repeat(200)),
           "msg": {"email": "ann@example.com", "subject": subject, "template": format!("t{number}"), "subaccount": format!("s{number}"),
                   "tags": if subject.is_empty() { vec!["no subject"] } else { vec![] }, "text": padding}})
}

#[tokio::test(flavor = "multi_thread")]
async fn search_terms_match_in_rust_and_sql_and_find_the_event() {
    let stack = Stack::start().expect("the stack should start");
    let mut database = Database::of(&stack).await;
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let clicks = |from: usize, padding: &str| -> Vec<Value> {
        SUBJECTS.iter().enumerate().map(|(index, (subject, _))| click(from + index, subject, padding)).collect()
    };
    // A small batch is inserted with a single statement, a large one with COPY.
    assert_eq!(mandrill.deliver(&clicks(0, "")).await.status, 200);
    assert_eq!(mandrill.deliver(&clicks(SUBJECTS.len(), &"x".repeat(40_000))).await.status, 200);
    let same = "events where terms = event_terms(search, template, subaccount, url, ip) and cardinality(terms) > 3";
    assert_eq!(database.count(same).await, 2 * SUBJECTS.len() as i64);

    // Runs once without statistics, and once with statistics that show that the terms are rare.
    for fill in [0, 5_000] {
        if fill > 0 {
            database.fill_events(fill).await;
            database.run("analyze events").await;
        }
        for (index, (_, part)) in SUBJECTS.iter().enumerate() {
            for number in [index, index + SUBJECTS.len()] {
                let url = format!("https://example.com/{number}?p={}", "long".repeat(200));
                let exact = [("url", url), ("template", format!("t{number}")), ("subaccount", format!("s{number}"))];
                let exact = exact.into_iter().chain([("ip", format!("198.51.100.{number}"))]);
                for filter in exact.map(|(name, value)| vec![(name, value), ("q", (*part).to_owned())]) {
                    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&filter).finish();
                    let found = admin.get(&format!("/api/events?{query}&kind=click")).await.json();
                    let ids: Vec<&Value> = found["items"]
                        .as_array()
                        .expect("items should be an array")
                        .iter()
                        .map(|item| &item["message_id"])
                        .collect();
                    assert_eq!(ids, [&json!(format!("m{number}"))], "{filter:?}");
                }
            }
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", part).finish();
            let found = admin.get(&format!("/api/events?{query}")).await.json();
            assert_eq!(found["items"].as_array().map(Vec::len), Some(2), "{part}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn common_words_are_left_out_of_the_index_and_every_part_of_them_is_still_found() {
    let mut stack = Stack::start().expect("the stack should start");
    let mut database = Database::of(&stack).await;
    let admin = ApiClient::admin(&stack).await;
    let events = |first: usize, count: usize| -> Vec<Value> {
        let event = |number: usize| {
            json!({"event": "send", "ts": 1_790_000_000 + number, "_id": format!("m{number}"), "msg": {
                "email": format!("person{number}@example.com"), "sender": "team@shop.example.com",
                "subject": if number.is_multiple_of(3) { format!("Your parcel {number}") } else { format!("Caf\u{e9} cr\u{e8}me {number}") },
                "tags": if number.is_multiple_of(3) { vec!["shipping"] } else { vec!["order-placed"] }}})
        };
        (first..first + count).map(event).collect()
    };
    assert_eq!(Mandrill::of(&stack).deliver(&events(0, 900)).await.status, 200);
    assert_eq!(Mandrill::of(&stack).deliver(&events(900, 600)).await.status, 200);
    stack.ingest(&["upkeep"]).expect("the upkeep should succeed");
    let words = database.text("select string_agg(word, ' ' order by word) from common_words").await;
    assert_eq!(words, "caf\u{e9} com cr\u{e8}me example order parcel placed shipping shop team your");

    // Ten minutes later, when every search knows the words.
    database.run("update common_words set added_at = added_at - interval '11 minutes'").await;
    stack.restart(Part::Ingest).expect("ingest should restart");
    // One event goes by a statement of its own, the others by COPY.
    assert_eq!(Mandrill::of(&stack).deliver(&events(1_500, 1)).await.status, 200);
    assert_eq!(Mandrill::of(&stack).deliver(&events(1_501, 1_499)).await.status, 200);
    let shorter =
        database.count("events where cardinality(terms) <= 12 and message_id >= 'm15' and length(message_id) = 5").await;
    assert!(shorter > 1_400, "{shorter} events have few terms");
    database.run("analyze events").await;

    let searches = [
        ("q", "xampl"),
        ("q", "af\u{e9}"),
        ("q", "person2222"),
        ("q", "on2222@exa"),
        ("q", "team@shop"),
        ("q", "our parcel 22"),
        ("q", "parcel22"),
        ("subject", "caf\u{e9} cr"),
        ("subject", "parcel 1503"),
        ("tag", "shipping"),
        ("tag.contains", "laced"),
        ("domain", "example.com"),
    ];
    for (name, text) in searches {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair(name, text).finish();
        let listed = admin.all(&format!("/api/events?limit=100&{query}")).await.len();
        let charted = admin.get(&format!("/api/events/histogram?{query}")).await.json();
        let expected = match name {
            "subject" => format!("events where search like E'%\\x1e%{text}%\\x1f%'"),
            "tag" => format!("events where '{text}' = any(tags)"),
            "tag.contains" => format!("events where tags::text like '%{text}%'"),
            "domain" => "events".to_owned(),
            _ => format!(
                "events where {}",
                text.split(' ').map(|word| format!("search like '%{word}%'")).collect::<Vec<_>>().join(" and ")
            ),
        };
        let expected = database.count(&expected).await;
        assert_eq!(listed as i64, expected, "{name}={text}");
        let buckets = charted["buckets"].as_array().expect("the buckets should be an array").iter();
        let charted: i64 = buckets
            .flat_map(|bucket| bucket["kinds"].as_object())
            .flat_map(|kinds| kinds.values())
            .filter_map(Value::as_i64)
            .sum();
        assert_eq!(charted, expected, "{name}={text}");
    }
}

/// How many events a search finds.
async fn found(admin: &ApiClient, name: &str, text: &str) -> usize {
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair(name, text).finish();
    let page = admin.get(&format!("/api/events?{query}")).await.json();
    page["items"].as_array().unwrap_or_else(|| panic!("{page}")).len()
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_the_version_before_are_found_before_and_after_they_are_folded_again() {
    let mut stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let mut mail = front_door::delivery::event("send", "m1");
    mail["msg"]["subject"] = json!("Stra\u{df}e \u{39f}\u{394}\u{39f}\u{3a3} \u{130}zmir");
    mail["msg"]["tags"] = json!(["Gru\u{df}"]);
    assert_eq!(mandrill.deliver(&[mail]).await.json()["stored"], 1);
    for text in [
        "STRASSE",
        "stra\u{df}e",
        "\u{3bf}\u{3b4}\u{3bf}\u{3c3}",
        "\u{3bf}\u{3b4}\u{3bf}\u{3c2}",
        "izmir",
        "IZM\u{131}R",
        "ze\u{ad}",
    ] {
        assert_eq!(found(&admin, "q", text).await, usize::from(text != "ze\u{ad}"), "{text:?}");
    }
    // As version 0.2.0 stored it, an hour ago, in a database that is being upgraded. The lock keeps the background job waiting.
    let mut database = Database::of(&stack).await;
    database.create_month(1).await;
    let old = "ada@example.com\u{1e}stra\u{df}e \u{3bf}\u{3b4}\u{3bf}\u{3c2} i\u{307}zmir\u{1f} gru\u{df}";
    database
        .run(&format!(
            "select pg_advisory_lock(1835821666, hashtext('search_fold'));
             update upgrade_moments set at = now() - interval '30 minutes';
             update events set received_at = received_at - interval '1 hour';
             update events set search = '{old}', terms = event_terms('{old}', template, subaccount, url, ip);
             delete from background_jobs where name = 'search_fold'"
        ))
        .await;
    for (name, text) in
        [("q", "\u{39f}\u{394}\u{39f}\u{3a3}"), ("subject", "Stra\u{df}e"), ("q", "\u{130}zmir"), ("tag", "Gru\u{df}")]
    {
        assert_eq!(found(&admin, name, text).await, 1, "{name}={text:?} before");
    }
    // An event of the present version, which the job passes.
    assert_eq!(mandrill.deliver(&[front_door::delivery::event("send", "m2")]).await.json()["stored"], 1);
    database.run("update events set received_at = received_at - interval '20 minutes' where message_id = 'm2'").await;
    database.run("select pg_advisory_unlock_all()").await;
    stack.restart(Part::Ingest).expect("ingest should restart");
    let folded = "select count(*) from background_jobs where name = 'search_fold' and finished_at is not null";
    database.until("the texts are folded again", folded).await;
    for (name, text) in [
        ("q", "strasse"),
        ("subject", "Stra\u{df}e"),
        ("q", "izmir"),
        ("tag", "Gru\u{df}"),
        ("q", "\u{3bf}\u{3b4}\u{3bf}\u{3c3}"),
    ] {
        assert_eq!(found(&admin, name, text).await, 1, "{name}={text:?} after");
    }
}
