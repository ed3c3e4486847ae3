//! Kills every component with SIGKILL while 20,000 events arrive. No acknowledged event is lost, and none is stored or shown twice.

use std::collections::{BTreeMap, BTreeSet};

use front_door::delivery::event;
use front_door::{ApiClient, Follower, Mandrill, until};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use stack::{Part, Stack};
use tokio::sync::watch;

const BATCHES: usize = 200;
const SIZE: usize = 100;

/// A batch in which every other event is an open. Each event belongs to a different message.
fn batch(number: usize) -> Vec<Value> {
    let kind = |n: usize| if n.is_multiple_of(2) { "open" } else { "send" };
    (0..SIZE).map(|n| event(kind(n), &format!("b{number}-{n}"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_any_part_loses_and_repeats_no_event() {
    let mut stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut follower = Follower::new(admin.clone());
    follower.connect().await;
    let following = tokio::spawn(async move {
        let all =
            |follower: &Follower| follower.notifications.len() >= BATCHES * SIZE / 2 && follower.events.len() >= BATCHES * SIZE;
        follower.follow_until(all).await;
        follower
    });

    // Retries a batch until the response is 200, like Mandrill.
    let (progress, posted) = watch::channel(0);
    let mandrill = Mandrill::of(&stack);
    let posting = tokio::spawn(async move {
        for number in 0..BATCHES {
            let batch = batch(number);
            until("a batch is accepted", || async { (mandrill.deliver(&batch).await.status == 200).then_some(()) }).await;
            progress.send_replace(number + 1);
        }
    });

    for (part, after) in [(Part::Ingest, 30), (Part::Notifier, 60), (Part::Redis, 90), (Part::Postgres, 120), (Part::Ingest, 150)]
    {
        posted.clone().wait_for(|done| *done >= after).await.expect("posting should continue");
        stack.kill(part);
        stack.restart(part).expect("the part should restart");
    }
    posting.await.expect("every batch should be posted");
    let follower = following.await.expect("the follower should finish");

    let mut connection = PgConnection::connect(&stack.database_url()).await.expect("Postgres should accept the connection");
    let rows: Vec<(String, String, i64)> = sqlx::query_as("select message_id, kind, count(*) from events group by 1, 2")
        .fetch_all(&mut connection)
        .await
        .expect("the query should return rows");
    let stored: BTreeMap<&str, (&str, i64)> =
        rows.iter().map(|(id, kind, count)| (id.as_str(), (kind.as_str(), *count))).collect();
    assert_eq!(rows.len(), BATCHES * SIZE, "every event should be stored");
    assert!(stored.values().all(|(_, count)| *count == 1), "each event should be stored once");
    let opens: BTreeSet<&str> = stored.iter().filter(|(_, (kind, _))| *kind == "open").map(|(id, _)| *id).collect();

    let notified: Vec<&str> =
        follower.notifications.values().map(|one| one["message_id"].as_str().expect("the id should be a string")).collect();
    assert_eq!(notified.len(), opens.len(), "each open should create one notification");
    assert_eq!(notified.into_iter().collect::<BTreeSet<_>>(), opens, "every open should create a notification");
    let shown: Vec<&str> =
        follower.events.values().map(|one| one["message_id"].as_str().expect("the id should be a string")).collect();
    assert_eq!(shown.len(), stored.len(), "each event should be shown once");
    assert!(shown.into_iter().all(|id| stored.contains_key(id)), "every shown event should be stored");
    until("the outbox is empty", || async {
        let mut connection = PgConnection::connect(&stack.database_url()).await.ok()?;
        let left: i64 = sqlx::query_scalar("select count(*) from outbox").fetch_one(&mut connection).await.ok()?;
        (left == 0).then_some(())
    })
    .await;
}
