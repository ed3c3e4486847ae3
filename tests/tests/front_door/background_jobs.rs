//! Background jobs resume after a crash, run on one replica at a time, and never block deliveries.

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill};
use stack::{Part, Stack};

const EVENTS: u32 = 20_000;

#[tokio::test(flavor = "multi_thread")]
async fn search_terms_of_old_events_are_added_once_despite_a_crash_and_a_replica() {
    let mut stack = Stack::start().expect("the stack should start");
    let mut database = Database::of(&stack).await;
    database.until("the jobs of the new database are finished", FINISHED).await;
    stack.stop(Part::Ingest);
    database.fill_events(EVENTS).await;
    database.run("update events set terms = null; delete from background_jobs").await;

    stack.restart(Part::Ingest).expect("ingest should restart");
    database.until("a part of the events is changed", "select changed from background_jobs where name = 'search_terms'").await;
    stack.kill(Part::Ingest);
    let _replica = stack.replica("ingest").expect("the replica should start");
    stack.restart(Part::Ingest).expect("ingest should restart");

    database.until("all jobs are finished", FINISHED).await;
    let different = "events where terms is distinct from event_terms(search, template, subaccount, url, ip)";
    assert_eq!(database.count(different).await, 0);
    let changed = database.number("select changed from background_jobs where name = 'search_terms'").await;
    assert_eq!(changed, Some(i64::from(EVENTS)), "each event should be changed once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_built_on_each_partition_while_deliveries_go_on() {
    let mut stack = Stack::start().expect("the stack should start");
    let mut database = Database::of(&stack).await;
    let mandrill = Mandrill::of(&stack);
    database.until("the jobs of the new database are finished", FINISHED).await;
    stack.stop(Part::Ingest);
    database.fill_events(EVENTS).await;
    database.run("drop index events_search_idx; create index events_search_idx on only events using gin (terms)").await;
    // The leftovers of two interrupted builds: one interrupted before the index was complete, the other before it was attached.
    let partitions =
        database.text("select inhrelid::regclass::text from pg_inherits where inhparent = 'events'::regclass order by 1").await;
    let partitions: Vec<&str> = partitions.lines().collect();
    for partition in &partitions[..2] {
        database.run(&format!("create index {partition}_events_search_idx on {partition} using gin (terms)")).await;
    }
    let invalid =
        format!("update pg_index set indisvalid = false where indexrelid = '{}_events_search_idx'::regclass", partitions[0]);
    database.run(&invalid).await;
    let kept = format!("select '{}_events_search_idx'::regclass::oid::bigint", partitions[1]);
    let oid = database.number(&kept).await;

    stack.restart(Part::Ingest).expect("ingest should restart");
    let is_valid = "select indisvalid::int::bigint from pg_index where indexrelid = 'events_search_idx'::regclass";
    let mut delivered = 0;
    while database.number(is_valid).await != Some(1) {
        let answer = mandrill.deliver(&[event("open", &format!("meanwhile{delivered}"))]).await;
        assert_eq!(answer.json()["stored"], 1);
        delivered += 1;
    }
    assert_eq!(database.number(&kept).await, oid, "a complete index should be attached, not rebuilt");
    let parts =
        "pg_inherits join pg_index on indexrelid = inhrelid where inhparent = 'events_search_idx'::regclass and indisvalid";
    assert_eq!(database.count(parts).await, partitions.len() as i64);
    let leftovers = "pg_index where not indisvalid";
    assert_eq!(database.count(leftovers).await, 0);

    let admin = ApiClient::admin(&stack).await;
    database.until("all jobs are finished", FINISHED).await;
    let system = admin.get("/api/system").await.json();
    let finding =
        system["findings"].as_array().expect("the findings should be an array").iter().find(|one| one["check"] == "background");
    assert_eq!(finding.expect("the jobs should be checked")["state"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_that_a_migration_added_are_validated() {
    let stack = Stack::start().expect("the stack should start");
    let mut database = Database::of(&stack).await;
    assert_eq!(Mandrill::of(&stack).deliver(&[event("open", "m1")]).await.json()["stored"], 1);
    // Otherwise the service could validate the planted one before it is looked at.
    database.until("the jobs of the new database are finished", FINISHED).await;
    database.run("alter table events add constraint events_planted_check check (id > 0) not valid").await;
    let validated = "pg_constraint where conname = 'events_planted_check' and convalidated";
    let all = database.count("pg_inherits where inhparent = 'events'::regclass").await + 1;
    assert_eq!(database.count(validated).await, 0);
    stack.ingest(&["upkeep"]).expect("the command should succeed");
    assert_eq!(database.count(validated).await, all);
}

const FINISHED: &str = "select (count(*) = 13 and bool_and(finished_at is not null))::int::bigint from background_jobs";
