//! Many clients across several notifiers: slow clients, sign-out, presence, and recovery from failures.

use std::collections::BTreeSet;
use std::time::Duration;

use front_door::delivery::event;
use front_door::raw::masked;
use front_door::{ApiClient, Database, Follower, Mandrill, Proxy, ProxyMode, RawSocket, Rng, Socket, until};
use reqwest::Method;
use serde_json::{Value, json};
use stack::{Part, RedisGroup, Replica, Stack};

const SUBSCRIBE: &[u8] = br#"{"type":"subscribe","topics":["notifications","events"]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_is_closed_and_resumes_without_affecting_others() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    // Connects to the notifier directly, because nginx's buffers would hide a slow client for a long time.
    let mut slow = RawSocket::open(&admin, &stack.direct(Part::Notifier)).await;
    slow.send(&masked(0x81, SUBSCRIBE)).await;
    let cursor = slow.text().await["cursor"].as_str().expect("cursor should be a string").to_owned();
    let mut fast = Follower::new(admin.clone());
    fast.connect().await;
    let (mut sent, metrics) = (0, format!("{}/metrics", stack.direct(Part::Notifier)));
    // Long subjects quickly fill the notifier's 1 MiB buffer and the socket buffers.
    let subject = "x".repeat(900);
    loop {
        let batch: Vec<Value> = (0..100)
            .map(|n| {
                let mut event = event("open", &format!("m{}", sent + n));
                event["msg"]["subject"] = json!(subject);
                event
            })
            .collect();
        assert_eq!(mandrill.deliver(&batch).await.status, 200);
        sent += 100;
        let text =
            reqwest::get(&metrics).await.expect("the server should respond").text().await.expect("the metrics should be text");
        if text.contains(r#"notifier_closes_total{code="4408"} 1"#) {
            break;
        }
        assert!(sent < 100_000, "the notifier should close a client that does not read");
    }
    assert_eq!(slow.closed().await, 4408, "a late read should return the close code");
    fast.follow_until(|follower| follower.events.len() == sent && follower.notifications.len() == sent).await;
    assert_eq!(fast.repeats, 0);
    // The client can resume if the notifier still has everything that it missed.
    let mut resumed = Socket::of(&admin).await;
    resumed.send(&json!({"type": "subscribe", "topics": ["notifications"], "after": cursor})).await;
    let subscribed = resumed.next_of("subscribed").await;
    if sent <= 10_000 {
        assert_eq!(subscribed["recovered"], true);
        let mut ids = BTreeSet::new();
        while ids.len() < sent {
            ids.insert(resumed.next_of("notification").await["id"].as_i64().expect("id should be an integer"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_out_and_role_change_close_sockets_on_every_replica() {
    let stack = Stack::start().expect("the stack should start");
    let other = stack.replica("notifier").expect("the replica should start");
    let (signed_out, signed_in) = (ApiClient::viewer(&stack, "vera@example.com").await, ApiClient::admin(&stack).await);
    let addresses = [stack.direct(Part::Notifier), other.address()];
    let mut promoted = Socket::at(&signed_out, &addresses[0]).await;
    Database::of(&stack).await.run("update users set role = 'admin' where email = 'vera@example.com'").await;
    assert_eq!(promoted.closed().await, 4410, "the client should reconnect with its new role");
    let mut closing = [Socket::at(&signed_out, &addresses[0]).await, Socket::at(&signed_out, &addresses[1]).await];
    let mut open = [Socket::at(&signed_in, &addresses[0]).await, Socket::at(&signed_in, &addresses[1]).await];
    let request = signed_out.request(Method::DELETE, "/api/session").header("x-requested-with", "fetch");
    assert_eq!(request.send().await.expect("the server should respond").status(), 204);
    for socket in &mut closing {
        assert_eq!(socket.closed().await, 4501);
    }
    for socket in &mut open {
        socket.subscribe(None).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_spans_replicas_and_expires_after_a_crash() {
    let mut stack = Stack::start().expect("the stack should start");
    let other = stack.replica("notifier").expect("the replica should start");
    let (admin, viewer) = (ApiClient::admin(&stack).await, ApiClient::viewer(&stack, "vera@example.com").await);
    let mut watching = Socket::at(&admin, &other.address()).await;
    let _first = Socket::of(&viewer).await;
    let _second = Socket::of(&viewer).await;
    wait_for_online(&mut watching, 2, 3).await;
    stack.kill(Part::Notifier);
    wait_for_online(&mut watching, 1, 1).await;
}

async fn wait_for_online(socket: &mut Socket, users: usize, connections: usize) {
    let online = json!({"users": users, "connections": connections});
    let what = format!("presence of {users} users with {connections} connections");
    socket.read_until(&what, |frame| frame["type"] == "presence" && frame["online"] == online).await;
}

/// A filter's name and value as sent by clients, the same condition in SQL, and a check of whether it selects event number `n`.
type Condition = (&'static str, &'static str, &'static str, fn(usize) -> bool);

const CONDITIONS: [Condition; 14] = [
    ("kind", "open", "kind = 'open'", |n| n % 6 == 1),
    ("kind", "click,hard_bounce", "kind in ('click', 'hard_bounce')", |n| [2, 3].contains(&(n % 6))),
    ("kind", "send,open,spam", "kind in ('send', 'open', 'spam')", |n| [0, 1, 5].contains(&(n % 6))),
    ("not.kind", "open,click", "kind not in ('open', 'click')", |n| ![1, 2].contains(&(n % 6))),
    ("tag", "t3", "'t3' = any(tags)", |n| n % 11 == 3),
    ("tag", "t7", "'t7' = any(tags)", |n| n % 11 == 7),
    ("not.tag", "t1", "'t1' <> all(tags)", |n| n % 11 != 1),
    ("recipient", "R5@example.com", "recipient = 'r5@example.com'", |n| n % 13 == 5),
    ("not.recipient", "r2@EXAMPLE.com", "recipient <> 'r2@example.com'", |n| n % 13 != 2),
    ("q", "letter seven", "search like '%letter%' and search like '%seven%'", |n| n % 9 == 6),
    ("q", "t1", "search like '%t1%'", |n| [1, 10].contains(&(n % 11))),
    ("metadata.customer", "2", "metadata->>'customer' = '2'", |n| n % 7 == 2),
    ("subject", "Seven", "lower(subject) like '%seven%'", |n| n % 9 == 6),
    ("sender", "hello@shop.example.com", "sender = 'hello@shop.example.com'", |_| true),
];

/// One to three conditions with different names that together select at least one event.
fn random_filter(rng: &mut Rng) -> Vec<Condition> {
    loop {
        let mut drawn: Vec<Condition> = Vec::new();
        for _ in 0..=rng.below(3) {
            let condition = CONDITIONS[rng.below(CONDITIONS.len())];
            if drawn.iter().all(|other| other.0 != condition.0) {
                drawn.push(condition);
            }
        }
        if count_matching(&drawn, 1) > 0 {
            return drawn;
        }
    }
}

fn count_matching(filter: &[Condition], batches: usize) -> usize {
    (0..batches * SIZE).filter(|n| filter.iter().all(|(.., selects)| selects(*n))).count()
}

/// How much a run does.
#[derive(Clone, Copy)]
struct Size {
    clients: usize,
    batches: usize,
    rounds: usize,
}

const WHOLE: Size = Size { clients: 200, batches: 200, rounds: 12 };
/// For groups of servers, of which `make soak` runs the whole size.
const SMALL: Size = Size { clients: 20, batches: 60, rounds: 4 };
const SIZE: usize = 100;

fn batch(number: usize) -> Vec<Value> {
    const KINDS: [&str; 6] = ["send", "open", "click", "hard_bounce", "delivered", "spam"];
    const WORDS: [&str; 9] = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let one = |n: usize| {
        let index = number * SIZE + n;
        let mut event = event(KINDS[index % 6], &format!("m{index}"));
        let msg = &mut event["msg"];
        msg["tags"] = json!([format!("t{}", index % 11)]);
        msg["email"] = json!(format!("r{}@example.com", index % 13));
        msg["subject"] = json!(format!("Letter {}", WORDS[index % 9]));
        msg["metadata"] = json!({"customer": index % 7});
        event
    };
    (0..SIZE).map(one).collect()
}

/// What carries the feed.
enum Carrier {
    /// The stack's own server. Each notifier reaches it through a proxy.
    Server,
    Group(RedisGroup),
}

/// Notifiers that are killed and replaced, each behind a proxy. Clients connect only to the proxies.
struct Notifiers {
    /// Proxies to Redis, one for each notifier; none if a group carries the feed.
    redis: Vec<Proxy>,
    running: Vec<Replica>,
    proxies: Vec<Proxy>,
}

fn port_of(address: &str) -> u16 {
    address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("the address should end with a port")
}

impl Notifiers {
    /// Starts a notifier in place of the one at `index`, or another one.
    async fn start(&mut self, stack: &Stack, index: usize) {
        let mut environment = vec![("MAX_SOCKETS_PER_USER", "1000"), ("DRAIN_SECONDS", "1")];
        let url = self.redis.get(index).map(|redis| {
            redis.set_mode(ProxyMode::Forward);
            format!("redis://default:{}@127.0.0.1:{}", stack.settings().redis_password, redis.port())
        });
        environment.extend(url.as_deref().map(|url| ("REDIS_URL", url)));
        let replica = stack.replica_with("notifier", &environment).expect("the notifier should start");
        let port = port_of(&replica.address());
        match self.proxies.get(index) {
            Some(proxy) => proxy.redirect_to(port),
            None => self.proxies.push(Proxy::to(port).await),
        }
        self.running.insert(index, replica);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_receive_exactly_the_matching_events_across_failures() {
    survive_failures(Carrier::Server, WHOLE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_receive_exactly_the_matching_events_across_failovers_under_sentinels() {
    let group = RedisGroup::sentinels(|port| port).expect("the servers should start");
    survive_failures(Carrier::Group(group), if is_soak() { WHOLE } else { SMALL }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_receive_exactly_the_matching_events_across_failovers_in_a_cluster() {
    let group = RedisGroup::cluster(|port, bus| (port, bus)).expect("the servers should start");
    survive_failures(Carrier::Group(group), if is_soak() { WHOLE } else { SMALL }).await;
}

fn is_soak() -> bool {
    std::env::var_os("SOAK").is_some()
}

async fn survive_failures(mut carrier: Carrier, size: Size) {
    let environment = if let Carrier::Group(group) = &carrier { group.environment() } else { Vec::new() };
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut stack = Stack::start_with(&environment).expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut notifiers = Notifiers { redis: Vec::new(), running: Vec::new(), proxies: Vec::new() };
    for index in 0..2 {
        if matches!(carrier, Carrier::Server) {
            notifiers.redis.push(Proxy::to(port_of(&stack.direct(Part::Redis))).await);
        }
        notifiers.start(&stack, index).await;
    }
    let addresses: Vec<String> = notifiers.proxies.iter().map(|proxy| format!("http://127.0.0.1:{}", proxy.port())).collect();

    let mut rng = Rng::new(0x005E_ED0F_D1CE);
    let filters: Vec<Vec<Condition>> = (0..size.clients).map(|_| random_filter(&mut rng)).collect();
    let clients: Vec<_> = filters
        .iter()
        .enumerate()
        .map(|(number, filter)| {
            let mut follower = Follower::new(admin.clone());
            follower.filter = filter.iter().map(|(name, value, ..)| ((*name).to_owned(), json!(value))).collect();
            follower.topics = vec!["events"];
            follower.addresses = vec![addresses[number % 2].clone(), addresses[(number + 1) % 2].clone()];
            let expected = count_matching(filter, size.batches);
            tokio::spawn(async move {
                follower.connect().await;
                follower.follow_until(|follower| follower.events.len() >= expected).await;
                follower
            })
        })
        .collect();

    let mandrill = Mandrill::of(&stack);
    let (progress, posted) = tokio::sync::watch::channel(0);
    let posting = tokio::spawn(async move {
        for number in 0..size.batches {
            let batch = batch(number);
            until("a batch is accepted", || async { (mandrill.deliver(&batch).await.status == 200).then_some(()) }).await;
            progress.send_replace(number + 1);
        }
    });
    for round in 1..=size.rounds {
        posted.clone().wait_for(|done| *done >= round * 15 - 8).await.expect("posting should continue");
        let index = rng.below(2);
        match (round % 6, &mut carrier) {
            (1, _) => notifiers.proxies[index].set_mode(ProxyMode::Cut),
            (5, _) => {
                // Kills a notifier or stops it gracefully, then starts another behind the same proxy.
                let stopped = notifiers.running.remove(index);
                if round % 4 == 1 {
                    stopped.kill();
                } else {
                    drop(stopped);
                }
                notifiers.start(&stack, index).await;
            }
            (0, Carrier::Server) => {
                stack.kill(Part::Redis);
                stack.restart(Part::Redis).expect("Redis should restart, without its data");
            }
            (2, Carrier::Server) => notifiers.redis[index].set_mode(ProxyMode::Cut),
            (3, Carrier::Server) => notifiers.redis[index].set_mode(ProxyMode::HoldResponses),
            (_, Carrier::Server) => notifiers.redis[index].set_mode(ProxyMode::Delay(Duration::from_millis(30))),
            (_, Carrier::Group(group)) => {
                let killed = group.kill_master().expect("another server should become the master");
                group.restart(killed).expect("the killed server should follow the new master");
            }
        }
        posted.clone().wait_for(|done| *done >= round * 15).await.expect("posting should continue");
        notifiers.proxies.iter().chain(&notifiers.redis).for_each(|proxy| proxy.set_mode(ProxyMode::Forward));
    }
    posting.await.expect("every batch should be posted");

    let mut database = Database::of(&stack).await;
    assert_eq!(database.count("events").await, (size.batches * SIZE) as i64);
    for (number, (client, filter)) in clients.into_iter().zip(filters).enumerate() {
        let follower = client.await.expect("the task should not panic");
        let conditions = filter.iter().map(|(_, _, sql, _)| *sql).collect::<Vec<_>>().join(" and ");
        let expected = database.ids(&format!("select id from events where {conditions}")).await;
        let ids: BTreeSet<i64> = follower.events.keys().copied().collect();
        assert_eq!(ids, expected, "client {number}: {conditions}");
        assert!(follower.is_in_order, "client {number}");
    }
}
