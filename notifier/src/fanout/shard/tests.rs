//! The shard with event streams for clients, whose far ends are read here, and a clock that tests move.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use proptest::prelude::*;
use serde_json::{Value, json};
use shared::feed::{ReceivedBatch, ReceivedItem};
use shared::filter::Filter;
use shared::session::{Caller, Credential, Hash, Role};

use super::*;
use crate::config::Sockets;
use crate::fanout::hub::ConnectionGuard;
use crate::feed::recent::Recent;

const LIMITS: Sockets = Sockets { max_sockets: 1_000, max_sockets_per_user: 1_000, max_sockets_per_address: 1_000 };

/// A hub with one shard that runs.
struct Stage {
    hub: Arc<Hub>,
    stop: CancellationToken,
    shard: tokio::task::JoinHandle<()>,
    next: u64,
}

impl Stage {
    fn new(drain: Duration) -> Self {
        let (commands, received) = mpsc::channel(COMMAND_QUEUE);
        let hub = Arc::new(Hub::new(vec![commands]));
        hub.start(Recent::new(Cursor { epoch: "e".into(), seq: 0 }));
        let stop = CancellationToken::new();
        let shard = tokio::spawn(Shard::new(Arc::clone(&hub), received, stop.clone(), drain).run());
        Self { hub, stop, shard, next: 0 }
    }

    /// A client of this user whose queue holds so many chunks.
    async fn client(&self, user: i64, room: usize) -> Client {
        let user = User { id: user, email: String::new(), role: Role::Viewer };
        let caller = Caller { user, credential: Credential::Session(Hash::of("s")) };
        let guard = self.hub.join(&caller, IpAddr::from([127, 0, 0, 1]), LIMITS).expect("room for the connection");
        let (body, chunks) = mpsc::channel(room);
        let writer = Arc::new(ClientWriter::for_event_stream(body, Arc::clone(&guard.close_signal)));
        guard.join(writer, Framing::EventStream).await;
        Client { guard, chunks, frames: Vec::new() }
    }

    /// Publishes an event of this kind, and tells these of it.
    fn publish(&mut self, kind: &str, to: Option<&str>) -> u64 {
        self.next += 1;
        let id = self.next;
        let at = "2026-01-02T03:04:05Z";
        let event = json!({"id": id, "kind": kind, "occurred_at": at, "received_at": at, "tags": [], "simulated": false});
        let notification = to.map(|to| json!({"id": id, "kind": "open", "title": "t", "body": "", "to": to, "at": at}));
        let item: ReceivedItem =
            serde_json::from_value(json!({"event": event, "search": "", "notification": notification})).expect("an item");
        let after = Cursor { epoch: "e".into(), seq: id - 1 };
        assert!(self.hub.offer(ReceivedBatch { after, items: vec![item], unreadable: 0 }));
        id
    }
}

/// The far end of a writer.
struct Client {
    guard: ConnectionGuard,
    chunks: mpsc::Receiver<Bytes>,
    frames: Vec<Value>,
}

impl Client {
    async fn subscribe(&self, subscription: Subscription, after: Option<&str>) {
        self.guard.subscribe(subscription, after.map(|cursor| cursor.parse().expect("a cursor"))).await;
    }

    /// Reads what has come.
    fn read(&mut self) {
        while let Ok(chunk) = self.chunks.try_recv() {
            self.take(&chunk);
        }
    }

    fn take(&mut self, chunk: &Bytes) {
        let text = String::from_utf8(chunk.to_vec()).expect("text");
        let frames = text.lines().filter_map(|line| line.strip_prefix("data: "));
        self.frames.extend(frames.map(|frame| serde_json::from_str::<Value>(frame).expect("a frame")));
    }

    /// Reads until there is a frame of this type.
    async fn until(&mut self, kind: &str) -> &Value {
        while !self.frames.iter().any(|frame| frame["type"] == kind) {
            let chunk = self.chunks.recv().await.expect("the shard lives");
            self.take(&chunk);
        }
        self.frames.iter().find(|frame| frame["type"] == kind).expect("it was found")
    }

    /// Ids of the events and of the notifications received.
    fn ids(&self) -> (Vec<u64>, Vec<u64>) {
        let id = |value: &Value| value["id"].as_u64().expect("an id");
        let of = |kind: &'static str| self.frames.iter().filter(move |frame| frame["type"] == kind);
        let events = of("events").flat_map(|frame| frame["items"].as_array().expect("items").iter().map(id)).collect();
        (events, of("notification").map(id).collect())
    }
}

fn everything() -> Subscription {
    Subscription { events: true, notifications: true, filter: Filter::default() }
}

/// Lets the shard do what it has to do now; the clock goes on by a hair.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn frames_with_events_go_at_once_when_it_was_quiet_and_ten_times_a_second_in_a_burst() {
    let mut stage = Stage::new(Duration::ZERO);
    let mut client = stage.client(1, 64).await;
    client.subscribe(everything(), None).await;
    client.until("subscribed").await;
    for _ in 0..50 {
        stage.publish("send", None);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    client.read();
    let frames = client.frames.iter().filter(|frame| frame["type"] == "events").count();
    assert!((9..=11).contains(&frames), "{frames}");
    assert_eq!(client.ids().0, (1..=50).collect::<Vec<_>>());
    assert_eq!(client.frames[1]["items"].as_array().map(Vec::len), Some(1), "the first waited for nothing");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_comes_every_25_seconds_with_the_cursor_that_was_reached() {
    let mut stage = Stage::new(Duration::ZERO);
    let mut client = stage.client(1, 64).await;
    let filter = Filter::from_pairs([("kind", "open")]).expect("a filter");
    client.subscribe(Subscription { filter, ..everything() }, None).await;
    stage.publish("send", None);
    tokio::time::sleep(Duration::from_millis(75_500)).await;
    client.read();
    let beats: Vec<&Value> =
        client.frames.iter().filter(|frame| frame["type"] == "heartbeat").map(|frame| &frame["cursor"]).collect();
    assert_eq!(beats, [&json!("e.1"); 3], "though nothing was selected");
}

#[tokio::test]
async fn a_client_that_is_silent_is_found_within_a_minute() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let far = tokio::net::TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a connection");
    let (near, _) = listener.accept().await.expect("a connection");
    // From here on no byte has to travel: the clock may run ahead of the network.
    tokio::time::pause();
    let stage = Stage::new(Duration::ZERO);
    let user = User { id: 1, email: String::new(), role: Role::Viewer };
    let caller = Caller { user, credential: Credential::Session(Hash::of("s")) };
    let guard = stage.hub.join(&caller, IpAddr::from([127, 0, 0, 1]), LIMITS).expect("room for the connection");
    let writer = Arc::new(ClientWriter::for_websocket(near, Arc::clone(&guard.close_signal)));
    guard.join(Arc::clone(&writer), Framing::WebSocket).await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_secs(24)).await;
        assert_eq!(guard.close_signal.reason(), None, "it was heard not long ago");
        writer.record_activity();
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(guard.close_signal.reason(), Some(Close::Silent));
    drop(far);
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_read_is_ended_and_nobody_else() {
    let mut stage = Stage::new(Duration::ZERO);
    let (slow, mut quick) = (stage.client(1, 8).await, stage.client(2, 64).await);
    slow.subscribe(everything(), None).await;
    quick.subscribe(everything(), None).await;
    settle().await;
    for _ in 0..30 {
        stage.publish("open", Some("all"));
        tokio::time::sleep(Duration::from_millis(150)).await;
        quick.read();
    }
    assert_eq!(slow.guard.close_signal.reason(), Some(Close::TooSlow));
    assert_eq!(quick.guard.close_signal.reason(), None);
    assert_eq!(quick.ids().1, (1..=30).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_reset_reaches_whoever_follows_also_in_the_middle_of_a_replay() {
    let mut stage = Stage::new(Duration::ZERO);
    let mut idle = stage.client(1, 64).await;
    let mut live = stage.client(2, 64).await;
    live.subscribe(everything(), None).await;
    for _ in 0..3_000 {
        stage.publish("send", None);
    }
    // Its queue is not read, so the replay waits half-way.
    let mut resuming = stage.client(3, 64).await;
    resuming.subscribe(everything(), Some("e.0")).await;
    settle().await;
    stage.hub.reset(Cursor { epoch: "f".into(), seq: 40 }, "epoch");
    settle().await;
    for client in [&mut live, &mut resuming] {
        assert_eq!(client.until("reset").await["reason"], "epoch");
    }
    assert_eq!(resuming.frames[0]["recovered"], true);
    idle.read();
    assert!(idle.frames.is_empty(), "it follows nothing");
}

#[tokio::test(start_paused = true)]
async fn a_client_ahead_of_this_replica_is_sent_each_once() {
    let mut stage = Stage::new(Duration::ZERO);
    stage.publish("send", None);
    let mut client = stage.client(1, 64).await;
    client.subscribe(everything(), Some("e.3")).await;
    assert_eq!(client.until("subscribed").await["recovered"], true);
    for _ in 0..4 {
        stage.publish("send", None);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    client.read();
    assert_eq!(client.ids().0, [4, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_spread_over_its_time_and_ends() {
    let stage = Stage::new(Duration::from_secs(10));
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(stage.client(1, 64).await);
    }
    settle().await;
    stage.stop.cancel();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let ended = clients.iter().filter(|client| client.guard.close_signal.reason() == Some(Close::Restarting)).count();
    assert!((45..=55).contains(&ended), "{ended}");
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(clients.iter().all(|client| client.guard.close_signal.reason() == Some(Close::Restarting)));
    for client in clients {
        client.guard.leave().await;
    }
    stage.shard.await.expect("the shard has ended");
}

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    Publish(&'static str, Option<&'static str>),
    Join(i64),
    Leave(usize),
    /// Subscribes this client, to opens alone or to all, resuming from this far back or not at all.
    Subscribe(usize, bool, Option<u64>),
    Read(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let to = prop::option::of(prop::sample::select(vec!["all", "user:1", "user:2", "role:admin"]));
    prop_oneof![
        6 => (prop::sample::select(vec!["open", "send"]), to).prop_map(|(kind, to)| Step::Publish(kind, to)),
        1 => (1..3_i64).prop_map(Step::Join),
        1 => (0..6_usize).prop_map(Step::Leave),
        2 => (0..6_usize, any::<bool>(), prop::option::of(0..12_u64)).prop_map(|(who, opens, back)| Step::Subscribe(who, opens, back)),
        2 => (0..6_usize).prop_map(Step::Read),
        2 => (1..120_u64).prop_map(Step::Wait),
    ]
}

/// What a client must have had in the end, since it subscribed last.
struct Expected {
    user: i64,
    opens: bool,
    after: u64,
    seen: usize,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Each client is sent exactly what its subscription selects, in order and once, or it is ended.
    #[test]
    fn each_client_gets_exactly_its_own(steps in prop::collection::vec(step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(async move {
            let mut stage = Stage::new(Duration::ZERO);
            let mut published: Vec<(u64, &str, Option<&str>)> = Vec::new();
            let mut clients: BTreeMap<usize, (Client, Option<Expected>)> = BTreeMap::new();
            for (index, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Publish(kind, to) => published.push((stage.publish(kind, to), kind, to)),
                    Step::Join(user) if clients.len() < 6 => {
                        // Some have little room, and are ended when they do not read.
                        let room = if index % 3 == 0 { 4 } else { 4_096 };
                        let free = (0..6).find(|key| !clients.contains_key(key)).expect("room");
                        clients.insert(free, (stage.client(user, room).await, None));
                    }
                    Step::Leave(who) => if let Some((client, _)) = clients.remove(&who) {
                        client.guard.leave().await;
                    },
                    Step::Subscribe(who, opens, back) => if let Some((client, expected)) = clients.get_mut(&who) {
                        client.read();
                        let after = back.map(|back| stage.next.saturating_sub(back));
                        let filter = if opens { Filter::from_pairs([("kind", "open")]).expect("a filter") } else { Filter::default() };
                        settle().await;
                        client.read();
                        client.frames.clear();
                        let subscription = Subscription { filter, ..everything() };
                        client.subscribe(subscription, after.map(|seq| format!("e.{seq}")).as_deref()).await;
                        settle().await;
                        *expected = Some(Expected { user: client.guard.user.id, opens, after: after.unwrap_or(stage.next), seen: 0 });
                    },
                    Step::Read(who) => if let Some((client, _)) = clients.get_mut(&who) { client.read() },
                    Step::Wait(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
                    Step::Join(_) => {}
                }
            }
            for _ in 0..20 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                clients.values_mut().for_each(|(client, _)| client.read());
            }
            for (client, expected) in clients.values_mut() {
                let Some(expected) = expected else { continue };
                // What waited for the subscription before may still come ahead of the answer to this one.
                let begun = client.frames.iter().position(|frame| frame["type"] == "subscribed").unwrap_or_default();
                client.frames.drain(..begun);
                expected.seen = client.frames.len();
                let (events, notifications) = client.ids();
                let wanted = |(id, _, _): &&(u64, &str, Option<&str>)| *id > expected.after;
                let wanted_events: Vec<u64> = published.iter().filter(wanted)
                    .filter(|(_, kind, _)| !expected.opens || *kind == "open").map(|(id, _, _)| *id).collect();
                let own = format!("user:{}", expected.user);
                let wanted_notifications: Vec<u64> = published.iter().filter(wanted)
                    .filter(|(_, _, to)| to.is_some_and(|to| to == "all" || to == own)).map(|(id, _, _)| *id).collect();
                if client.guard.close_signal.reason().is_none() {
                    assert_eq!((events, notifications), (wanted_events, wanted_notifications));
                } else {
                    let only = |got: &[u64], wanted: &[u64]| {
                        let wanted: BTreeSet<_> = wanted.iter().collect();
                        got.iter().all(|id| wanted.contains(id)) && got.is_sorted_by(|one, next| one < next)
                    };
                    assert!(only(&events, &wanted_events) && only(&notifications, &wanted_notifications));
                }
            }
            stage.stop.cancel();
        });
    }
}
