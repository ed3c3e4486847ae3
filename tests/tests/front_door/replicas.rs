//! Multiple ingest replicas sharing one database.

use front_door::delivery::event;
use front_door::{ApiResponse, Database, Mandrill};
use serde_json::Value;
use stack::{Part, Stack};

#[tokio::test(flavor = "multi_thread")]
async fn replicas_store_overlapping_batches_once_without_deadlock() {
    let stack = Stack::start().expect("the stack should start");
    let other = stack.replica("ingest").expect("the replica should start");
    let mut database = Database::of(&stack).await;
    // Small batches use a single statement; large ones use COPY in several steps. The two must not deadlock with each other.
    let events: Vec<Value> = (0..600).map(|n| event("open", &format!("m{n}"))).collect();
    let deliveries = (0..60).map(|n: usize| {
        let mut batch: Vec<Value> =
            events.iter().cycle().skip(37 * n % 600).take(if n.is_multiple_of(3) { 600 } else { 50 }).cloned().collect();
        if n.is_multiple_of(2) {
            batch.reverse();
        }
        let mut mandrill = Mandrill::of(&stack);
        mandrill.to = format!("{}/webhook/", if n.is_multiple_of(4) { stack.direct(Part::Ingest) } else { other.address() });
        tokio::spawn(async move { (batch.len(), mandrill.deliver(&batch).await) })
    });
    let responses: Vec<(usize, ApiResponse)> = futures::future::join_all(deliveries)
        .await
        .into_iter()
        .map(|response| response.expect("the task should not panic"))
        .collect();
    assert!(responses.iter().all(|(_, response)| response.status == 200), "{responses:?}");
    let sum = |name: &str| {
        responses.iter().map(|(_, response)| response.json()[name].as_u64().expect("the value should be a number")).sum::<u64>()
    };
    let sent: usize = responses.iter().map(|(sent, _)| sent).sum();
    assert_eq!((sum("stored"), sum("stored") + sum("duplicates")), (600, sent as u64));
    assert_eq!(database.count("events").await, 600);
    assert_eq!(database.count("(select distinct message_id from events) as ids").await, 600);
    assert_eq!(database.count("notifications").await, 600);
    let counted = "select sum(count)::bigint from (select count, outcome from event_tallies
                   union all select count, outcome from event_tally_deltas) as counted where outcome = 'stored'";
    assert_eq!(database.number(counted).await, Some(600));
}
