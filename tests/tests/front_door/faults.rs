//! kill -9 of every part in the middle of 20,000 events: nothing answered with 200 is lost, nothing is there twice.

use std::collections::{BTreeMap, BTreeSet};

use front_door::delivery::event;
use front_door::{ApiClient, Follower, Mandrill, until};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use stack::{Part, Stack};
use tokio::sync::watch;

const BATCHES: usize = 200;
const SIZE: usize = 100;

/// Half of them opens, each of a message of its own.
fn batch(number: usize) -> Vec<Value> {
    let kind = |n: usize| if n.is_multiple_of(2) { "open" } else { "send" };
    (0..SIZE).map(|n| event(kind(n), &format!("b{number}-{n}"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_any_part_loses_and_repeats_no_event() {
    let mut stack = Stack::start().expect("a stack");
    let admin = ApiClient::admin(&stack).await;
    let mut follower = Follower::new(admin.clone());
    follower.connect().await;
    let following = tokio::spawn(async move {
        let all =
            |follower: &Follower| follower.notifications.len() >= BATCHES * SIZE / 2 && follower.events.len() >= BATCHES * SIZE;
        follower.follow_until(all).await;
        follower
    });

    // Like Mandrill, repeat a batch until it is answered with 200.
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
        posted.clone().wait_for(|done| *done >= after).await.expect("posting goes on");
        stack.kill(part);
        stack.restart(part).expect("the part is back");
    }
    posting.await.expect("everything was posted");
    let follower = following.await.expect("everything was followed");

    let mut connection = PgConnection::connect(&stack.database_url()).await.expect("Postgres");
    let rows: Vec<(String, String, i64)> = sqlx::query_as("select message_id, kind, count(*) from events group by 1, 2")
        .fetch_all(&mut connection)
        .await
        .expect("rows");
    let stored: BTreeMap<&str, (&str, i64)> =
        rows.iter().map(|(id, kind, count)| (id.as_str(), (kind.as_str(), *count))).collect();
    assert_eq!(rows.len(), BATCHES * SIZE, "every event is there");
    assert!(stored.values().all(|(_, count)| *count == 1), "each once");
    let opens: BTreeSet<&str> = stored.iter().filter(|(_, (kind, _))| *kind == "open").map(|(id, _)| *id).collect();

    let notified: Vec<&str> = follower.notifications.values().map(|one| one["message_id"].as_str().expect("an id")).collect();
    assert_eq!(notified.len(), opens.len(), "each open was told once");
    assert_eq!(notified.into_iter().collect::<BTreeSet<_>>(), opens, "and every one of them");
    let shown: Vec<&str> = follower.events.values().map(|one| one["message_id"].as_str().expect("an id")).collect();
    assert_eq!(shown.len(), stored.len(), "each event was shown once");
    assert!(shown.into_iter().all(|id| stored.contains_key(id)), "and every one of them");
    until("the outbox is empty", || async {
        let mut connection = PgConnection::connect(&stack.database_url()).await.ok()?;
        let left: i64 = sqlx::query_scalar("select count(*) from outbox").fetch_one(&mut connection).await.ok()?;
        (left == 0).then_some(())
    })
    .await;
}
