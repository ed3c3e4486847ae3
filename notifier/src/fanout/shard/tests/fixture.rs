//! A hub with one shard, and event streams whose receiving ends are read by the tests.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use shared::feed::{Cursor, ReceivedBatch, ReceivedItem};
use shared::filter::Filter;
use shared::masking::{Addresses, RecipientIds};
use shared::session::{Caller, Credential, Hash, Role, User};
use shared::visibility::Visibility;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::ConnectionLimits;
use crate::fanout::command::COMMAND_QUEUE;
use crate::fanout::framing::Framing;
use crate::fanout::hub::{ConnectionGuard, Hub};
use crate::fanout::shard::Shard;
use crate::fanout::subscription::Subscription;
use crate::feed::recent::Recent;
use crate::transport::writer::ClientWriter;

const LIMITS: ConnectionLimits =
    ConnectionLimits { max_sockets: 1_000, max_sockets_per_user: 1_000, max_sockets_per_address: 1_000 };

/// A hub with one running shard.
pub(super) struct Fixture {
    pub(super) hub: Arc<Hub>,
    pub(super) stop: CancellationToken,
    pub(super) shard: JoinHandle<()>,
    /// The sequence number of the last event, which is also its id.
    pub(super) last: u64,
}

impl Fixture {
    pub(super) fn new(drain_time: Duration) -> Self {
        let (commands, received) = mpsc::channel(COMMAND_QUEUE);
        let hub = Arc::new(Hub::new(vec![commands]));
        hub.start(Recent::new(Cursor { epoch: "e".into(), seq: 0 }, 10_000));
        let stop = CancellationToken::new();
        let shard = tokio::spawn(Shard::new(Arc::clone(&hub), received, stop.clone(), drain_time).run());
        Self { hub, stop, shard, last: 0 }
    }

    /// Registers a connection for this user.
    pub(super) fn connect(&self, user: i64) -> ConnectionGuard {
        let user = User { id: user, email: String::new(), role: Role::Viewer, restriction: None, addresses: Addresses::Full };
        let caller = Caller { user, credential: Credential::Session(Hash::of("s")), recipient_ids: RecipientIds::default() };
        self.hub.join(&caller, IpAddr::from([127, 0, 0, 1]), LIMITS).expect("room for the connection")
    }

    /// Opens an event stream for this user with a queue of up to `queue` chunks.
    pub(super) async fn client(&self, user: i64, queue: usize) -> Client {
        let guard = self.connect(user);
        let (body, chunks) = mpsc::channel(queue);
        let writer = Arc::new(ClientWriter::for_event_stream(body, Arc::clone(&guard.close_signal)));
        guard.join(writer, Framing::EventStream).await;
        Client { guard, chunks, frames: Vec::new() }
    }

    /// Publishes an event, and a notification if an audience is given. Returns the id, which is the same for both.
    pub(super) fn publish(&mut self, kind: &str, to: Option<&str>) -> u64 {
        self.last += 1;
        let id = self.last;
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

/// The receiving end of an event stream.
pub(super) struct Client {
    pub(super) guard: ConnectionGuard,
    chunks: mpsc::Receiver<Bytes>,
    pub(super) frames: Vec<Value>,
}

impl Client {
    pub(super) async fn subscribe(&self, subscription: Subscription, after: Option<&str>) {
        self.guard.subscribe(subscription, after.map(|cursor| cursor.parse().expect("a cursor"))).await;
    }

    /// Reads the queued chunks.
    pub(super) fn read(&mut self) {
        while let Ok(chunk) = self.chunks.try_recv() {
            self.decode(&chunk);
        }
    }

    fn decode(&mut self, chunk: &Bytes) {
        let text = String::from_utf8(chunk.to_vec()).expect("text");
        let frames = text.lines().filter_map(|line| line.strip_prefix("data: "));
        self.frames.extend(frames.map(|frame| serde_json::from_str::<Value>(frame).expect("a frame")));
    }

    /// Reads until a frame of this type has arrived, and returns it.
    pub(super) async fn until(&mut self, kind: &str) -> &Value {
        while !self.frames.iter().any(|frame| frame["type"] == kind) {
            let chunk = self.chunks.recv().await.expect("the shard is running");
            self.decode(&chunk);
        }
        self.frames.iter().find(|frame| frame["type"] == kind).expect("the frame")
    }

    /// The ids of the received events and notifications.
    pub(super) fn ids(&self) -> (Vec<u64>, Vec<u64>) {
        let id = |value: &Value| value["id"].as_u64().expect("an id");
        let of = |kind: &'static str| self.frames.iter().filter(move |frame| frame["type"] == kind);
        let events = of("events").flat_map(|frame| frame["items"].as_array().expect("items").iter().map(id)).collect();
        (events, of("notification").map(id).collect())
    }
}

/// All events and notifications.
pub(super) fn everything() -> Subscription {
    Subscription { events: true, notifications: true, ..Subscription::default() }
}

/// Events of kind `open`, and all notifications.
pub(super) fn opens() -> Subscription {
    Subscription { filter: Filter::of_visible([("kind", "open")], Visibility::everything()).expect("a filter"), ..everything() }
}

/// Lets the shard process pending work. The clock advances by one millisecond.
pub(super) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
