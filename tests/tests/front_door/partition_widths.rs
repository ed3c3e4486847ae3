//! Partitions cover a day, a week or a month, and what they cover can change.

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill};
use serde_json::{Value, json};
use stack::Stack;

const TODAY: &str = "(now() at time zone 'UTC')::date";

/// Waits until partitions of this width lie ahead, and checks that they cover every day up to there once.
async fn until_ahead(database: &mut Database, name_pattern: &str, days: u32) {
    let covered = format!(
        "select (max(until) >= {TODAY} + {days} and min(first) <= {TODAY} and sum(until - first) = max(until) - min(first)
                 and bool_or(name ~ '{name_pattern}'))::int::bigint
         from event_partitions() where until > {TODAY}"
    );
    database.until(&format!("partitions like {name_pattern} cover {days} days"), &covered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_partitions_cover_can_change_and_nothing_is_moved() {
    let stack = Stack::start_with(&[("PARTITIONS", "day")]).expect("the stack should start");
    let (mut mandrill, mut database) = (Mandrill::of(&stack), Database::of(&stack).await);
    until_ahead(&mut database, "^events_\\d{4}_\\d\\d_\\d\\d$", 7).await;
    let widths = format!("select count(distinct until - first) from event_partitions() where until > {TODAY}");
    assert_eq!(database.number(&widths).await, Some(1), "empty months should be replaced");
    assert_eq!(mandrill.deliver(&[event("open", "m1")]).await.json()["stored"], 1);
    let home = "select tableoid::regclass::text from events where message_id = 'm1'";
    let first_home = database.text(home).await;
    assert_eq!(first_home, database.text(&format!("select 'events_' || to_char({TODAY}, 'YYYY_MM_DD')")).await);

    for (number, (width, pattern, days)) in
        [("week", "^events_\\d{4}_w\\d\\d$", 28), ("month", "^events_\\d{4}_\\d\\d$", 90), ("day", "_\\d\\d_\\d\\d$", 7)]
            .into_iter()
            .enumerate()
    {
        let ingest = stack.replica_with("ingest", &[("PARTITIONS", width)]).expect("the replica should start");
        until_ahead(&mut database, pattern, days).await;
        mandrill.to = format!("{}/webhook/", ingest.address());
        assert_eq!(mandrill.deliver(&[event("open", &format!("w{number}"))]).await.json()["stored"], 1, "{width}");
        assert_eq!(mandrill.deliver(&[event("open", "m1")]).await.json()["duplicates"], 1, "{width}");
        assert_eq!(database.text(home).await, first_home, "{width}: a partition with rows should stay");
    }
    let doctor = stack.ingest(&["doctor"]).expect("no check should fail");
    assert!(doctor.contains(" partitions exist. The last one ends on "), "{doctor}");
    let refused = stack.ingest_with(&["serve"], &[("PARTITIONS", "year")]).expect_err("there is no such width").to_string();
    assert!(refused.contains("PARTITIONS"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_width_that_cannot_be_set_at_once_is_set_later_and_holds_up_nobody() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, mut database) = (Mandrill::of(&stack), Database::of(&stack).await);
    let mut reader = Database::of(&stack).await;
    reader.run("begin; select count(*) from events").await;
    let _ingest = stack.replica_with("ingest", &[("PARTITIONS", "day")]).expect("the replica should start");
    for number in 0..20 {
        assert_eq!(mandrill.deliver(&[event("open", &format!("m{number}"))]).await.json()["stored"], 1);
    }
    assert_eq!(database.text("select width from event_partitioning").await, "month", "a query still reads the months");
    reader.run("commit").await;
    // This month has events and stays; the next ones give way to days, as far as they are needed.
    database.until("the width is set", "select count(*) from event_partitioning where width = 'day'").await;
    until_ahead(&mut database, "", 7).await;
    assert_eq!(database.count("event_partitions() where until - first > 1").await, 1);
    assert_eq!(database.count("events").await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn weeks_and_months_over_the_year_are_named_by_what_they_cover() {
    let stack = Stack::start_postgres().expect("Postgres should start");
    stack.ingest(&["migrate"]).expect("the migrations should apply");
    let mut database = Database::of(&stack).await;
    // A clock of our own: the functions find it before that of Postgres.
    database.run("create table clock (at timestamptz); insert into clock values (now())").await;
    database.run("create function now() returns timestamptz language sql stable as 'select at from clock'").await;
    for function in ["create_event_partitions()", "set_event_partition_width(text)"] {
        database.run(&format!("alter function {function} set search_path = public, pg_catalog")).await;
    }
    database.run("do $$ declare name text; begin for name in select event_partitions.name from event_partitions() loop execute 'drop table ' || name; end loop; end $$").await;
    let weeks = names(&mut database, "2026-12-29 12:00+00", "week").await;
    assert_eq!(
        weeks,
        "events_2026_w53 2026-12-28 2027-01-04\nevents_2027_w01 2027-01-04 2027-01-11\nevents_2027_w02 2027-01-11 2027-01-18\n\
         events_2027_w03 2027-01-18 2027-01-25\nevents_2027_w04 2027-01-25 2027-02-01"
    );
    database
        .run(
            "insert into events (received_at, occurred_at, simulated, kind, tags, search, payload)
             values ('2026-12-30', '2026-12-30', false, 'open', '{}', '', '{}')",
        )
        .await;
    // The week in use reaches into January, so that days follow up to the next whole month.
    let months = names(&mut database, "2026-12-30 12:00+00", "month").await;
    let lines: Vec<&str> = months.lines().collect();
    assert_eq!(lines.len(), 1 + 28 + 2, "{months}");
    assert_eq!(lines[..2], ["events_2026_w53 2026-12-28 2027-01-04", "events_2027_01_04 2027-01-04 2027-01-05"]);
    assert_eq!(
        lines[28..],
        [
            "events_2027_01_31 2027-01-31 2027-02-01",
            "events_2027_02 2027-02-01 2027-03-01",
            "events_2027_03 2027-03-01 2027-04-01"
        ]
    );
    // A clock that goes back finds no partition for its month.
    let earlier = names(&mut database, "2026-11-15 12:00+00", "month").await;
    assert!(earlier.starts_with("events_2026_11 2026-11-01 2026-12-01\nevents_2026_12_01 2026-12-01 2026-12-02\n"), "{earlier}");
    assert!(earlier.contains("events_2026_12_27 2026-12-27 2026-12-28\nevents_2026_w53 2026-12-28 2027-01-04\n"), "{earlier}");
}

/// The partitions after the clock and the width were set.
async fn names(database: &mut Database, at: &str, width: &str) -> String {
    database.run(&format!("update clock set at = '{at}'")).await;
    database.run(&format!("select set_event_partition_width('{width}'); select create_event_partitions()")).await;
    database.text("select name || ' ' || first || ' ' || until from event_partitions() order by first").await
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_counts_erasure_and_retention_follow_days() {
    let stack =
        Stack::start_with(&[("PARTITIONS", "day"), ("SECRET_KEY", "a key of this test alone")]).expect("the stack should start");
    let (mandrill, admin, mut database) = (Mandrill::of(&stack), ApiClient::admin(&stack).await, Database::of(&stack).await);
    let opened = |n: i64| {
        let mut event = event("open", &format!("m{}", n / 3));
        event["ts"] = json!(1_700_000_000 + n);
        event["msg"]["email"] = json!(format!("person{}@example.com", n % 4));
        event
    };
    let events: Vec<Value> = (0..60).map(opened).collect();
    assert_eq!(mandrill.deliver(&events).await.json()["stored"], 60);
    // Three events on each of the last 20 days.
    database
        .run(
            "do $$ declare day date; begin
               for day in select (now() at time zone 'UTC')::date - n from generate_series(1, 19) as n loop
                 execute format('create table if not exists %I partition of events for values from (%L) to (%L)',
                                'events_' || to_char(day, 'YYYY_MM_DD'), day || ' 00:00+00', day + 1 || ' 00:00+00');
               end loop;
             end $$;
             update events set received_at = received_at - make_interval(days => ((select max(id) from events) - id)::integer / 3)",
        )
        .await;
    let ids: Vec<i64> =
        admin.all("/api/events?limit=7").await.iter().map(|event| event["id"].as_i64().unwrap_or_default()).collect();
    let expected = database.text("select id::text from events order by received_at desc, id desc").await;
    assert_eq!(ids.iter().map(i64::to_string).collect::<Vec<_>>().join("\n"), expected);
    assert_eq!(admin.all("/api/events?q=person2&limit=4").await.len(), 15);
    assert_eq!(admin.all("/api/events?recipient=person3@example.com").await.len(), 15);
    assert_eq!(admin.all("/api/events?message_id=m7").await.len(), 3);

    let report = admin.post("/api/recipients/person1@example.com/erase", &json!({"confirm": "person1@example.com"})).await;
    assert_eq!(report.status, 200, "{}", report.text);
    assert_eq!(database.count("events where recipient = 'person1@example.com'").await, 0);
    let output = stack.ingest_with(&["retention"], &[("RETENTION_DAYS", "5")]).expect("the command should succeed");
    // The day that ended exactly five days ago expired at midnight.
    assert_eq!(output.matches("events_").count(), 14, "{output}");
    assert_eq!(database.count("events").await, 18);
    assert_eq!(mandrill.deliver(&events).await.json()["duplicates"], 60, "repeats of dropped days are known");
}
