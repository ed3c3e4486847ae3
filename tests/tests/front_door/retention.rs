//! Retention drops entire expired months, keeps their counts, and recognises duplicates for another 30 days.

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill};
use serde_json::Value;
use stack::Stack;

const KEEP: [(&str, &str); 1] = [("RETENTION_DAYS", "30")];

#[tokio::test]
async fn expired_months_are_dropped_and_their_keys_kept_30_more_days() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, admin, mut database) = (Mandrill::of(&stack), ApiClient::admin(&stack).await, Database::of(&stack).await);
    let old: Vec<Value> = (0..20).map(|n| event("open", &format!("old{n}"))).collect();
    assert_eq!(mandrill.deliver(&old).await.json()["stored"], 20);
    database.age_events(3).await;
    let new: Vec<Value> = (0..5).map(|n| event("open", &format!("new{n}"))).collect();
    assert_eq!(mandrill.deliver(&new).await.json()["stored"], 5);
    let counted = "select sum(count)::bigint from (select count, outcome from event_tallies
                   union all select count, outcome from event_tally_deltas) as counted where outcome = 'stored'";
    assert_eq!(database.number(counted).await, Some(25));

    assert!(stack.ingest(&["retention"]).expect("the command should succeed").contains("all events are kept"));
    let plan = stack.ingest_with(&["retention", "--dry-run"], &KEEP).expect("the command should succeed");
    assert_eq!(plan.lines().count(), 1, "{plan}");
    assert!(plan.contains("would drop events_"), "{plan}");
    assert_eq!(database.count("events").await, 25);

    let output = stack.ingest_with(&["retention"], &KEEP).expect("the command should succeed");
    assert!(output.contains("dropped events_") && output.contains("deleted 0 keys and 20 notifications"), "{output}");
    assert_eq!(admin.all("/api/events").await.len(), 5);
    assert_eq!(
        database.count("pg_class where relname ~ '^events_[0-9]' and relkind = 'r'").await,
        4,
        "the current month and the next three should remain"
    );
    assert_eq!(database.number(counted).await, Some(25), "counts should outlive the rows");
    assert_eq!(mandrill.deliver(&old).await.json()["duplicates"], 20, "late duplicates should be recognised");

    database.run("update retired_partitions set retired_at = retired_at - interval '29 days'").await;
    let output = stack.ingest_with(&["retention"], &KEEP).expect("the command should succeed");
    assert!(output.contains("dropped no partition; deleted 0 keys"), "{output}");
    database.run("update retired_partitions set retired_at = retired_at - interval '2 days'").await;
    let output = stack.ingest_with(&["retention"], &KEEP).expect("the command should succeed");
    assert!(output.contains("deleted 20 keys"), "{output}");
    assert_eq!(database.count("retired_digests").await, 0, "dropped events should be forgotten");
    assert_eq!(mandrill.deliver(&new).await.json()["duplicates"], 5, "newer events should be known");
}

#[tokio::test]
async fn retention_finishes_a_partition_left_detached_by_a_crash() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, mut database) = (Mandrill::of(&stack), Database::of(&stack).await);
    assert_eq!(mandrill.deliver(&[event("open", "old")]).await.json()["stored"], 1);
    database.age_events(3).await;
    // Simulates a crash between detaching and dropping a partition.
    database
        .run("do $$ begin execute format('alter table events detach partition events_%s', to_char(now() - interval '3 months', 'YYYY_MM')); end $$")
        .await;
    let output = stack.ingest_with(&["retention"], &KEEP).expect("the command should succeed");
    assert!(output.contains("dropped events_"), "{output}");
    assert_eq!(database.count("pg_class where relname ~ '^events_[0-9]' and relkind = 'r'").await, 4);
    assert_eq!(mandrill.deliver(&[event("open", "old")]).await.json()["duplicates"], 1);
}
