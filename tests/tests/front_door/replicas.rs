//! Multiple ingest replicas sharing one database.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use front_door::delivery::event;
use front_door::{ApiClient, ApiResponse, Database, Follower, Mandrill, Posting};
use serde_json::{Value, json};
use stack::{Part, Replica, Stack};

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

/// Every event has one of these tags, and every client follows one.
const TAGS: usize = 20;

fn tagged(number: usize) -> Value {
    let mut event = event("open", &format!("m{number}"));
    event["msg"]["tags"] = json!([format!("t{}", number % TAGS)]);
    event
}

/// How much a rolling restart has to withstand.
struct Load {
    posts_per_second: u64,
    sockets: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rolling_restart_of_all_replicas_fails_no_post_and_leaves_no_gap() {
    let load = if std::env::var_os("SOAK").is_some() {
        Load { posts_per_second: 500, sockets: 500 }
    } else {
        Load { posts_per_second: 50, sockets: 20 }
    };
    let mut stack = Stack::start().expect("the stack should start");
    let settings = [
        ("SHUTDOWN_DELAY_SECONDS", "1"),
        ("DRAIN_SECONDS", "2"),
        ("MAX_SOCKETS_PER_USER", "5000"),
        ("MAX_SOCKETS_PER_ADDRESS", "5000"),
    ];
    let start = |name: &str, stack: &Stack| -> Vec<Replica> {
        (0..3).map(|_| stack.replica_with(name, &settings).expect("the replica should start")).collect()
    };
    let (mut ingests, mut notifiers) = (start("ingest", &stack), start("notifier", &stack));
    let admin = ApiClient::admin(&stack).await;
    stack.route_to(&ingests, &notifiers).expect("nginx should restart");
    stack.stop(Part::Ingest);
    stack.stop(Part::Notifier);

    let total = Arc::new(AtomicUsize::new(usize::MAX));
    let followers: Vec<_> = (0..load.sockets)
        .map(|number| {
            let (mut follower, total) = (Follower::new(admin.clone()), Arc::clone(&total));
            follower.topics = vec!["events"];
            follower.filter = json!({"tag": format!("t{}", number % TAGS)});
            tokio::spawn(async move {
                follower.connect().await;
                follower.follow_until(|follower| follower.events.len() * TAGS >= total.load(Ordering::Relaxed)).await;
                follower
            })
        })
        .collect();
    let mandrill = Mandrill::of(&stack);
    let posting = Posting::start(load.posts_per_second, move |number| {
        let mandrill = mandrill.clone();
        async move { mandrill.deliver(&[tagged(number)]).await }
    });
    tokio::task::block_in_place(|| {
        for replica in ingests.iter_mut().chain(&mut notifiers) {
            replica.restart().expect("the replica should restart");
        }
    });
    let (number, responses) = posting.stop().await;
    let failed: Vec<&ApiResponse> = responses.iter().filter(|response| response.status != 200).collect();
    let log = std::fs::read_to_string(stack.log(Part::Nginx)).unwrap_or_default();
    assert!(failed.is_empty(), "{} of {number} posts failed, first {:?}\n{log}", failed.len(), failed.first());
    // More events complete the tags, and wake clients that have every other one already.
    let all = (number / TAGS + 2) * TAGS;
    total.store(all, Ordering::Relaxed);
    let last: Vec<Value> = (number..all).map(tagged).collect();
    assert_eq!(Mandrill::of(&stack).deliver(&last).await.status, 200);
    let mut database = Database::of(&stack).await;
    assert_eq!(database.count("events").await, i64::try_from(all).expect("a small number"));
    for (number, follower) in followers.into_iter().enumerate() {
        let follower = follower.await.expect("the client should see every event");
        let stored = database.ids(&format!("select id from events where tags = '{{t{}}}'", number % TAGS)).await;
        assert!(follower.events.keys().eq(&stored), "{} of {} events", follower.events.len(), stored.len());
        assert!(follower.is_in_order);
    }
}
