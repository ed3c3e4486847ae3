//! Repeats are recognised by keys while events are recent, and by the digests in the rows afterwards.

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill};
use serde_json::{Value, json};
use stack::Stack;
use std::time::SystemTime;

const WINDOW: &str = "select (late_before - first_day)::bigint from key_window";

/// An event that happened this many days ago.
fn days_ago(days: i64, id: &str) -> Value {
    let mut event = event("open", id);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed());
    event["ts"] = json!(now - days * 86_400);
    event
}

/// Some events of these days.
fn events_of(days: &[i64], name: &str) -> Vec<Value> {
    days.iter().flat_map(|day| (0..4).map(move |n| days_ago(*day, &format!("{name}-{day}-{n}")))).collect()
}

/// Delivers the events once more, in one batch and one by one.
async fn assert_known(mandrill: &Mandrill, events: &[Value], what: &str) {
    let receipt = mandrill.deliver(events).await.json();
    assert_eq!((&receipt["stored"], &receipt["duplicates"]), (&json!(0), &json!(events.len())), "{what}");
    for event in events {
        // A snapshot that differs is still a repeat.
        let mut event = event.clone();
        event["msg"]["opens"] = json!([{"ts": 1}]);
        assert_eq!(mandrill.deliver(&[event.clone()]).await.json()["duplicates"], 1, "{what}: {event}");
    }
}

async fn assert_stored(mandrill: &Mandrill, events: &[Value]) {
    let receipt = mandrill.deliver(events).await.json();
    assert_eq!((&receipt["stored"], &receipt["duplicates"]), (&json!(events.len()), &json!(0)), "{receipt}");
}

#[tokio::test(flavor = "multi_thread")]
async fn recent_late_future_and_nameless_events_are_stored_once() {
    let stack = Stack::start_with(&[("SECRET_KEY", "a key of this test alone")]).expect("the stack should start");
    let (mandrill, admin, mut database) = (Mandrill::of(&stack), ApiClient::admin(&stack).await, Database::of(&stack).await);
    let (recent, late, future) = (events_of(&[0, 1, 30], "r"), events_of(&[90, 900], "l"), events_of(&[-3, -30], "f"));
    let mut nameless = days_ago(0, "n");
    nameless["_id"] = json!("");
    nameless["msg"]["_id"] = json!("");
    let entry = json!({"type": "blacklist", "action": "add", "ts": 1_790_000_000, "reject": {"email": "x@example.com"}});
    let nameless = vec![nameless, entry];
    for events in [&recent, &late, &future, &nameless] {
        assert_stored(&mandrill, events).await;
    }
    let counts = "select concat_ws(' ', (select count(*) from recent_keys), (select count(*) from late_keys), (select count(*) from event_keys))";
    assert_eq!(database.text(counts).await, "20 8 10", "keys of recent, late and other events");
    assert_eq!(database.count("events where digest is null").await, 0);
    for (what, events) in [("recent", &recent), ("late", &late), ("future", &future), ("nameless", &nameless)] {
        assert_known(&mandrill, events, what).await;
    }
    // After some days, the rows alone recognise late events, also erased ones.
    database.run("update late_keys set stored_at = stored_at - interval '8 days'").await;
    stack.ingest(&["upkeep"]).expect("the command should succeed");
    assert_eq!(database.count("late_keys").await, 0);
    assert_known(&mandrill, &late, "late, without keys").await;
    let email = late[0]["msg"]["email"].as_str().expect("the event has a recipient");
    let erased = admin.post(&format!("/api/recipients/{email}/erase"), &json!({"confirm": email})).await;
    assert_eq!(erased.status, 200, "{}", erased.text);
    assert_known(&mandrill, &late, "late and erased").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_moves_in_steps_and_no_repeat_is_stored() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, mut database) = (Mandrill::of(&stack), Database::of(&stack).await);
    let made =
        "select (to_regclass('recent_keys_' || extract(epoch from now())::bigint / 86400 / 7 + 2) is not null)::int::bigint";
    database.until("the service has made partitions", made).await;
    // As if the window had not moved for a month, with the keys of some days in no partition of their own.
    database.run("update key_window set first_day = first_day - 35, late_before = late_before - 35, changed_at = now()").await;
    let days = [20, 50, 56, 60, 66, 70, 75, 80];
    let mut known = events_of(&days, "before");
    assert_stored(&mandrill, &known).await;
    assert_ne!(database.count("recent_keys_other").await, 0);
    let other = stack.replica("ingest").expect("the replica should start");
    let mut there = mandrill.clone();
    there.to = format!("{}/webhook/", other.address());
    let advance = async |database: &mut Database, by: &str| {
        database.run(&format!("update key_window set changed_at = changed_at - interval '{by}'")).await;
        stack.ingest(&["upkeep"]).expect("the command should succeed");
    };
    advance(&mut database, "0 minutes").await;
    assert_eq!(
        (database.count("recent_keys_other").await, database.number(WINDOW).await),
        (0, Some(0)),
        "only partitions are made"
    );
    assert_known(&there, &known, "moved to partitions").await;
    for step in ["late", "without keys", "dropped"] {
        advance(&mut database, "11 minutes").await;
        let new = events_of(&days, step);
        // Both replicas at once: each event is stored by one of them.
        let (one, two) = tokio::join!(mandrill.deliver(&new), there.deliver(&new));
        let stored = [one, two].iter().map(|receipt| receipt.json()["stored"].as_u64().unwrap_or_default()).sum::<u64>();
        assert_eq!(stored, new.len() as u64, "{step}");
        known.extend(new);
        assert_known(&mandrill, &known, step).await;
        let distance = database.number(WINDOW).await.unwrap_or_default();
        assert_eq!(distance > 0, step == "late", "{step}: {distance}");
    }
    let oldest = "select min(substr(relname, 13)::integer * 7 - first_day)::bigint from pg_class, key_window where relname ~ '^recent_keys_[0-9]+$'";
    assert_eq!(database.number(oldest).await, Some(0), "older partitions should be dropped");
    let tables = "select count(*) from late_keys";
    assert_ne!(database.number(tables).await, Some(0));
    database.run("delete from late_keys").await;
    assert_known(&there, &known, "by their rows").await;
    assert_eq!(database.count("events").await, known.len() as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_events_are_known_for_another_30_days() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, mut database) = (Mandrill::of(&stack), Database::of(&stack).await);
    let late = events_of(&[100], "late");
    assert_stored(&mandrill, &late).await;
    database.age_events(3).await;
    database.run("delete from late_keys").await;
    let keep = [("RETENTION_DAYS", "30")];
    let output = stack.ingest_with(&["retention"], &keep).expect("the command should succeed");
    assert!(output.contains("dropped events_"), "{output}");
    assert_eq!(database.count("events").await, 0);
    assert_known(&mandrill, &late, "dropped").await;
    database.run("update retired_partitions set retired_at = retired_at - interval '31 days'").await;
    let output = stack.ingest_with(&["retention"], &keep).expect("the command should succeed");
    assert!(output.contains("deleted 4 keys"), "{output}");
    assert_stored(&mandrill, &late).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_moment_of_an_upgrade_passes_without_repeats() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, mut database) = (Mandrill::of(&stack), Database::of(&stack).await);
    let other = stack.replica("ingest").expect("the replica should start");
    let moment = async |database: &mut Database, at: &str| {
        database.run(&format!("update upgrade_moments set at = {at} where name = 'recent_keys'")).await;
    };
    let days = [0, 20, 60, -2];
    moment(&mut database, "now() + interval '1 hour'").await;
    let before = events_of(&days, "before");
    assert_stored(&mandrill, &before).await;
    assert_eq!((database.count("event_keys").await, database.count("recent_keys").await), (16, 0), "as the version before");
    // Rows of the version before have no digest.
    database.run("update events set digest = null").await;
    assert_known(&mandrill, &before, "before the moment").await;

    // Both replicas store the same new events again and again, while the moment passes.
    moment(&mut database, "clock_timestamp() + interval '1 second'").await;
    let mut there = mandrill.clone();
    there.to = format!("{}/webhook/", other.address());
    let (mut during, mut rounds_after) = (Vec::new(), 0);
    while rounds_after < 3 {
        let passed = "select (at < clock_timestamp())::int::bigint from upgrade_moments where name = 'recent_keys'";
        rounds_after += database.number(passed).await.unwrap_or_default();
        let events = events_of(&days, &format!("during-{}", during.len()));
        let (one, two) = tokio::join!(mandrill.deliver(&events), there.deliver(&events));
        let stored: u64 = [one, two].iter().filter_map(|receipt| receipt.json()["stored"].as_u64()).sum();
        assert_eq!(stored, events.len() as u64);
        during.extend(events);
    }
    assert_known(&there, &during[during.len() - 48..], "just after the moment").await;
    let both = events_of(&days, "both");
    assert_stored(&mandrill, &both).await;
    assert_ne!(database.count("recent_keys").await, 0, "for an hour, both tables have the key");

    moment(&mut database, "now() - interval '2 hours'").await;
    let after = events_of(&days, "after");
    assert_stored(&mandrill, &after).await;
    for (what, events) in [("before", &before), ("during", &during), ("both", &both), ("after", &after)] {
        assert_known(&mandrill, events, what).await;
    }
}
