//! The histogram, statistics, export, and erasure of a recipient.

use std::collections::BTreeMap;

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill, Rng};
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
    msg["subaccount"] = json!("shop");
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
    assert_eq!(names("subaccounts"), [("shop".to_owned(), 2_400)]);
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
    assert_eq!(histogram["is_complete"], true);
    assert_eq!(admin.get("/api/events/histogram?from=2020-01-01T00:00:00Z").await.json()["is_complete"], false);
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
    // Of few events, the histogram counts what the list shows.
    let histogram = admin.get("/api/events/histogram").await.json();
    assert_eq!((of_kind(&histogram["buckets"][0]["kinds"])["open"], &histogram["is_complete"]), (100, &json!(true)));
    let range = "/api/stats?from=2020-01-01T00:00:00Z";
    let before = admin.get(range).await.json();
    for _ in 0..2 {
        // Upkeep runs when ingest starts.
        stack.restart(stack::Part::Ingest).expect("ingest should restart");
        let counted = "select count(*) from event_facets_until where until > now() - interval '2 hours'";
        database.until("the hours are counted", counted).await;
        let after = admin.get(range).await.json();
        for list in ["domains", "tags", "templates", "subaccounts", "bounces"] {
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
    let counts = json!({"events": 2, "notifications": 2, "quarantined": 1, "rules": 0, "views": 0, "archived_files": 0});
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
    assert_eq!(admin.get("/api/recipients/ada@example.com").await.problem(), (410, "erased".to_owned()));
    let events = admin.get("/api/events").await.json();
    let erased: Vec<&Value> =
        events["items"].as_array().expect("items should be an array").iter().filter(|one| one["erased_at"].is_string()).collect();
    assert_eq!(erased.len(), 2);
    assert_eq!(admin.get(&format!("/api/events/{}/raw", erased[0]["id"])).await.text, "{}");
    assert_eq!(admin.get("/api/stats").await.json()["counts"], json!({"open": 2, "inbound": 1}));
}

const ZONES: [&str; 10] = [
    "UTC",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "America/St_Johns",
    "Asia/Kolkata",
    "Pacific/Kiritimati",
];

/// The first quarter of an hour of the events in `spread_over_a_year`, as a Unix time: 2026-03-01 in UTC.
const FIRST_QUARTER: usize = 1_772_323_200;
/// The number of quarters of an hour until 2026-11-28.
const QUARTERS: usize = 272 * 96;

/// Spreads the stored events over the nine months before December 2026, with all changes of clocks, and lets ingest count them again, as it
/// does after an upgrade.
async fn spread_over_a_year(stack: &mut Stack, database: &mut Database) {
    for month in 3..=11 {
        database
            .run(&format!(
                "create table if not exists events_2026_{month:02} partition of events
                 for values from ('2026-{month:02}-01 00:00+00') to ('2026-{:02}-01 00:00+00')",
                month + 1
            ))
            .await;
    }
    database
        .run(&format!(
            "update events set received_at = to_timestamp({FIRST_QUARTER} + (id * 7919 * 61) % ({QUARTERS} * 900)),
                    occurred_at = to_timestamp({FIRST_QUARTER} + (id * 7919 * 61 - (id * 37) % 100000) % ({QUARTERS} * 900));
             delete from event_tallies; delete from event_tally_deltas; delete from event_facets; delete from background_jobs;
             update event_facets_until set until = '2026-03-01';
             insert into event_counts (hour, count, last_at, simulated, webhook, kind, outcome)
             select date_trunc('hour', received_at), count(*), max(received_at), simulated, coalesce(webhook, ''), kind, 'stored'
             from events group by 1, 4, 5, 6"
        ))
        .await;
    stack.restart(stack::Part::Ingest).expect("ingest should restart");
    database.until("the events are counted again", "select (count(*) = 0)::int::bigint from event_counts").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_equal_sql_for_random_zones_ranges_and_widths() {
    let mut stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let elements: Vec<Value> = (0..4_000).map(element).collect();
    for batch in elements.chunks(1_000) {
        assert_eq!(mandrill.deliver(batch).await.json()["stored"], 1_000);
    }
    let mut database = Database::of(&stack).await;
    spread_over_a_year(&mut stack, &mut database).await;
    let mut rng = Rng::new(15);
    let mut nonempty = 0;
    for round in 0..1_000 {
        let zone = rng.choose(&ZONES);
        let widths = [("quarter", 900), ("hour", 3_600), ("day", 20_000), ("week", 20_000), ("month", 26_000)];
        let (step, longest) = widths[rng.below(widths.len())];
        let length = 1 + rng.below(longest);
        let start = rng.below(QUARTERS - length.min(QUARTERS - 1));
        // The period is rounded outward, so any second of a quarter of an hour selects the whole.
        let from = FIRST_QUARTER + start * 900 + rng.below(900);
        let to = FIRST_QUARTER + (start + length - 1).min(QUARTERS - 1) * 900 + 1 + rng.below(900);
        let (from, to) = (from.min(to - 1), to);
        let (time, column) = [("received", "received_at"), ("occurred", "occurred_at")][rng.below(2)];
        let mut instants = Vec::new();
        for seconds in [from, to] {
            let text = format!("select to_char(to_timestamp({seconds}) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
            instants.push(database.text(&text).await);
        }
        let path = format!("/api/stats?zone={zone}&step={step}&time={time}&from={}&to={}", instants[0], instants[1]);
        let found = admin.get(&path).await.json();
        let offset = if step == "quarter" || step == "hour" {
            format!("({column} at time zone '{zone}') - ({column} at time zone 'UTC')")
        } else {
            "interval '0'".to_owned()
        };
        let unit = if step == "quarter" {
            format!("date_bin('15 min', {column} at time zone '{zone}', '2000-01-01')")
        } else {
            format!("date_trunc('{step}', {column} at time zone '{zone}')")
        };
        let expected = database
            .text(&format!(
                "select coalesce(jsonb_agg(counts order by start), '[]')::text from (
                   select min(start) as start, jsonb_object_agg(kind, count) as counts from (
                     select {unit} as unit, {offset} as shift, kind, count(*), min({column}) as start from events
                     where {column} >= to_timestamp({from} / 900 * 900) and {column} < to_timestamp(({to} + 899) / 900 * 900)
                     group by 1, 2, 3) as grouped group by unit, shift) as buckets"
            ))
            .await;
        let expected: Value = serde_json::from_str(&expected).expect("the counts should be JSON");
        let buckets = found["buckets"].as_array().unwrap_or_else(|| panic!("{path}: {found}"));
        let counts: Vec<&Value> = buckets.iter().map(|bucket| &bucket["counts"]).filter(|counts| **counts != json!({})).collect();
        assert_eq!(json!(counts), expected, "round {round}: {path}");
        nonempty += usize::from(!counts.is_empty());
        let ends = buckets.iter().zip(buckets.iter().skip(1));
        assert!(ends.clone().all(|(bucket, next)| bucket["end"] == next["at"]), "{path}: buckets should not have gaps: {found}");
        assert_eq!(found["approximate_before"], Value::Null, "{path}");
    }
    assert!(nonempty > 900, "most periods should contain events: {nonempty}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_counts_once_in_the_bucket_of_its_first_open() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let mut database = Database::of(&stack).await;
    let open = |message: &str, second: i64, agent: &str| {
        let mut open = event("open", message);
        open["ts"] = json!(1_790_000_000 + second);
        open["user_agent"] = json!(agent);
        open
    };
    let (person, bot) = ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0", "curl/8.5.0");
    // m1 is opened by a machine first, then twice by a person; m2, which was sent before, by machines only.
    let mut sent = event("send", "m1");
    sent["ts"] = json!(1_790_000_000);
    assert_eq!(mandrill.deliver(&[sent]).await.json()["stored"], 1);
    let opens = [open("m1", 0, bot), open("m1", 7200, person), open("m1", 9000, person), open("m2", 0, bot), open("m2", 1, bot)];
    assert_eq!(mandrill.deliver(&opens).await.json()["stored"], 5);
    let path = "/api/stats?time=occurred&step=hour&from=2026-09-21T12:00:00Z&to=2026-09-22T00:00:00Z";
    let found = admin.get(path).await.json();
    assert_eq!(found["counts"], json!({"open": 5, "send": 1}), "{found}");
    let expected = json!({"persons": 1, "all": 2, "persons_of_sent": 1, "all_of_sent": 1});
    assert_eq!(found["unique"]["open"], expected, "{found}");
    let buckets = found["buckets"].as_array().expect("buckets should be an array");
    let uniques: Vec<(i64, i64)> = buckets
        .iter()
        .map(|bucket| &bucket["unique"]["open"])
        .map(|open| (open["persons"].as_i64().unwrap_or(-1), open["all"].as_i64().unwrap_or(-1)))
        .filter(|unique| *unique != (0, 0))
        .collect();
    assert_eq!(uniques, [(0, 2), (1, 0)], "{found}");
    // Once the events are gone, the counts remain, and the answer says that messages cannot be counted.
    database.until("the counts are merged", "select (count(*) = 0)::int::bigint from event_tally_deltas").await;
    database.run("update event_tallies set at = at - interval '1 month'").await;
    let gone = admin.get("/api/stats?from=2026-01-01T00:00:00Z").await.json();
    assert_eq!((&gone["unique"], &gone["unique_missing"]), (&Value::Null, &json!("not_stored")), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_that_begin_midway_are_compared_with_what_was_sent_since() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let day = |kind: &str, number: i64, count: usize| -> Vec<Value> {
        let at = |n: usize| {
            let mut event = event(kind, &format!("{kind}-{number}-{n}"));
            event["ts"] = json!(1_790_000_000 + number * 86_400);
            event
        };
        (0..count).map(at).collect()
    };
    for batch in [
        day("send", 0, 50),
        day("send", 1, 50),
        day("send", 2, 40),
        day("delivered", 1, 48),
        day("delivered", 2, 39),
        day("hard_bounce", 0, 3),
        day("soft_bounce", 2, 1),
    ] {
        assert_eq!(mandrill.deliver(&batch).await.status, 200);
    }
    let path = "/api/stats?time=occurred&step=day&from=2026-09-21T00:00:00Z&to=2026-09-24T00:00:00Z";
    let found = admin.get(path).await.json();
    let expected =
        json!({"from": "2026-09-22T00:00:00Z", "to": "2026-09-24T00:00:00Z", "sent": 90, "bounced": 1, "is_part": true});
    assert_eq!(found["delivery"], expected, "{found}");
    // The period before, whose last bucket has deliveries.
    let later = admin.get(&path.replace("2026-09-24T", "2026-09-27T").replace("2026-09-21T", "2026-09-24T")).await.json();
    assert_eq!(later["previous"]["delivery"], expected, "{later}");
    let whole = admin.get(&path.replace("2026-09-21T", "2026-09-22T")).await.json();
    assert_eq!((&whole["delivery"]["sent"], &whole["delivery"]["is_part"]), (&json!(90), &json!(false)), "{whole}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_count_once_per_event_and_bounces_by_what_they_have_in_common() {
    let mut stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let mut database = Database::of(&stack).await;
    let texts = [
        "smtp;550 5.1.1 <ada@example.com>: unknown in mx1.example.com [192.0.2.7], id 4Bx9-77, after 12 tries",
        "smtp;550 5.1.1 <bo@example.org>: unknown in mx23.example.net [2001:db8::7], id 9Qz1-01, after 3 tries",
    ];
    let bounces: Vec<Value> = (0..2)
        .map(|n| {
            let mut bounce = event("hard_bounce", &format!("m{n}"));
            bounce["msg"]["diag"] = json!(texts[n]);
            bounce["msg"]["tags"] = json!(["vip", "vip", ""]);
            bounce["msg"]["template"] = json!("");
            bounce
        })
        .collect();
    assert_eq!(mandrill.deliver(&bounces).await.json()["stored"], 2);
    // As version 0.2.0 stored it.
    database.run("update events set tags = array['vip', 'vip', ''], template = ''").await;
    let expected = json!([{"reason": "smtp;550 5.1.1 (address): unknown in (server) (server), id #, after # tries", "count": 2}]);
    let tags = json!([{"name": "vip", "counts": {"hard_bounce": 2}}]);
    let assert_facets = |found: Value| {
        assert_eq!((&found["bounces"], &found["tags"], &found["templates"]), (&expected, &tags, &json!([])), "{found}");
    };
    assert_facets(admin.get("/api/stats").await.json());
    // What version 0.2.0 counted is counted again.
    database
        .run(
            "update events set received_at = date_trunc('month', now());
             insert into event_facets select date_trunc('month', now()), 1, false, 'tag', 'old', 'send';
             update event_facets_until set until = date_trunc('month', now()) + interval '1 day',
                                           outdated_until = date_trunc('month', now()) + interval '1 day';
             delete from background_jobs where name = 'facets'",
        )
        .await;
    stack.restart(stack::Part::Ingest).expect("ingest should restart");
    database.until("the day is counted again", "select count(*) from event_facets where name = 'vip' and count = 2").await;
    assert_facets(admin.get("/api/stats?from=2026-01-01T00:00:00Z").await.json());
}

#[tokio::test]
async fn each_invalid_parameter_is_named() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    for (path, name) in [
        ("/api/stats?zone=Moon", "zone"),
        ("/api/stats?step=decade", "step"),
        ("/api/stats?colour=red", "colour"),
        ("/api/events?limit=0", "limit"),
        ("/api/events?cursor=x", "cursor"),
        ("/api/events/histogram?buckets=0", "buckets"),
        ("/api/events/export?format=xls", "format"),
        ("/api/events/export?bom=perhaps", "bom"),
        ("/api/quarantine?state=lost", "state"),
        ("/api/notifications?unread=perhaps", "unread"),
        ("/api/refusals?reason=x", "reason"),
        ("/api/audit?who=x", "who"),
        ("/api/sessions?user=x", "user"),
    ] {
        let refused = admin.get(path).await;
        assert_eq!(refused.problem(), (400, "bad_page".to_owned()), "{path}");
        let detail = refused.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.starts_with(&format!("`{name}` ")), "{path}: {detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_of_selected_events_agree_with_those_of_all_events() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let kinds = ["send", "delivered", "open", "click", "hard_bounce", "inbound"];
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().expect("the clock should be right").as_secs())
        .expect("the time should fit");
    let events: Vec<Value> = (0..120)
        .map(|number: i64| {
            let kind = kinds[usize::try_from(number % 6).unwrap_or_default()];
            let mut event = event(kind, &format!("m{}", number / 12));
            event["ts"] = json!(now - number * 1_000);
            event["url"] = json!(format!("https://shop.example.com/{number}"));
            event["user_agent"] = json!(if number % 4 == 0 { "Mimecast" } else { "Mozilla/5.0 (Windows NT 10.0) Firefox/133.0" });
            event["msg"]["email"] = json!(format!("ada@{}", if number % 3 == 0 { "example.com" } else { "Example.org" }));
            event["msg"]["headers"] = json!({"Message-Id": format!("<{number}@example.com>")});
            event["msg"]["tags"] = json!(["all", if number % 2 == 0 { "even" } else { "odd" }]);
            event["msg"]["template"] = json!(if number % 5 == 0 { "five" } else { "other" });
            event["msg"]["diag"] = json!("550 5.1.1 No such user");
            event
        })
        .collect();
    assert_eq!(Mandrill::of(&stack).deliver(&events).await.json()["stored"], 120);

    for clock in ["received", "occurred"] {
        let path = format!("/api/stats?time={clock}&step=hour&zone=Asia/Kathmandu");
        let all = admin.get(&path).await.json();
        let text = |name: &str| all[name].as_str().expect("the time should be a string").to_owned();
        // The same period, even if a quarter of an hour ends meanwhile.
        let path = format!("{path}&from={}&to={}", text("from"), text("to"));
        assert_eq!(admin.get(&format!("{path}&tag=all")).await.json(), all, "a filter that selects everything");
        let (even, odd) =
            (admin.get(&format!("{path}&tag=even")).await.json(), admin.get(&format!("{path}&not.tag=even")).await.json());
        for kind in kinds {
            let sum = even["counts"][kind].as_i64().unwrap_or(0) + odd["counts"][kind].as_i64().unwrap_or(0);
            assert_eq!(Some(sum), all["counts"][kind].as_i64(), "{kind}");
        }
        assert_eq!(even["tags"][0]["name"], "all");
        assert_eq!(even["tags"].as_array().map(Vec::len), Some(2));
    }
    for filter in ["template=five", "domain=EXAMPLE.org", "recipient=ada@example.com&kind=open,click", "q=shop", "actor=scanner"]
    {
        let listed = admin.all(&format!("/api/events?{filter}")).await;
        let found = admin.get(&format!("/api/stats?{filter}")).await.json();
        let counts = found["counts"].as_object().expect("counts should be an object");
        let sum: i64 = counts.values().filter_map(Value::as_i64).sum();
        assert_eq!(usize::try_from(sum).ok(), Some(listed.len()), "{filter}");
        let messages: std::collections::BTreeSet<&str> =
            listed.iter().filter(|event| event["kind"] == "click").filter_map(|event| event["message_id"].as_str()).collect();
        assert_eq!(found["unique"]["click"]["all"], messages.len(), "{filter}");
        assert_eq!(found["counted_from"], Value::Null);
    }
    assert_eq!(admin.get("/api/stats?actor=nobody").await.problem(), (400, "bad_filter".to_owned()));

    // Selected events of months that have been dropped cannot be counted, and the answer says so.
    let mut database = Database::of(&stack).await;
    database.until("the counts are merged", "select count(*) from event_tallies where kind = 'open'").await;
    database
        .run(
            "update event_tallies set at = at - interval '2 months' where kind = 'open';
             delete from events where kind = 'open'",
        )
        .await;
    let found = admin.get("/api/stats?tag=all&from=2026-01-01T00:00:00Z").await.json();
    assert_eq!(found["counts"]["open"], Value::Null);
    assert!(found["counted_from"].is_string(), "{found}");
    assert_eq!(found["unique_missing"], "not_stored");
}
