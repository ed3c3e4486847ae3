//! Runs random sequences of publishing, joining, subscribing, resuming, reading and leaving, and compares them with a model.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::fixture::{Client, Fixture, everything, opens, settle};

const MAX_CLIENTS: usize = 6;

#[derive(Debug, Clone)]
enum Step {
    /// Publishes an event of this kind, with a notification for this audience.
    Publish(&'static str, Option<&'static str>),
    /// Connects a client for this user.
    Join(i64),
    Leave(usize),
    /// Subscribes this client, either only to opens or to everything, and resumes from this many entries back.
    Subscribe(usize, bool, Option<u64>),
    Read(usize),
    /// Waits for this many milliseconds.
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let to = prop::option::of(prop::sample::select(vec!["all", "user:1", "user:2", "role:admin"]));
    let client = || 0..MAX_CLIENTS;
    prop_oneof![
        6 => (prop::sample::select(vec!["open", "send"]), to).prop_map(|(kind, to)| Step::Publish(kind, to)),
        1 => (1..3_i64).prop_map(Step::Join),
        1 => client().prop_map(Step::Leave),
        2 => (client(), any::<bool>(), prop::option::of(0..12_u64))
            .prop_map(|(key, opens, back)| Step::Subscribe(key, opens, back)),
        2 => client().prop_map(Step::Read),
        2 => (1..120_u64).prop_map(Step::Wait),
    ]
}

struct Published {
    id: u64,
    kind: &'static str,
    to: Option<&'static str>,
}

/// A client's last subscription.
struct Subscribed {
    user: i64,
    opens: bool,
    after: u64,
}

struct Model {
    fixture: Fixture,
    published: Vec<Published>,
    clients: BTreeMap<usize, (Client, Option<Subscribed>)>,
}

impl Model {
    fn new() -> Self {
        Self { fixture: Fixture::new(Duration::ZERO), published: Vec::new(), clients: BTreeMap::new() }
    }

    async fn apply(&mut self, index: usize, step: Step) {
        match step {
            Step::Publish(kind, to) => self.published.push(Published { id: self.fixture.publish(kind, to), kind, to }),
            Step::Join(user) if self.clients.len() < MAX_CLIENTS => {
                // Clients with a short queue are disconnected unless they read.
                let queue = if index.is_multiple_of(3) { 4 } else { 4_096 };
                let free = (0..MAX_CLIENTS).find(|key| !self.clients.contains_key(key)).expect("a free key");
                self.clients.insert(free, (self.fixture.client(user, queue).await, None));
            }
            Step::Join(_) => {}
            Step::Leave(key) => {
                if let Some((client, _)) = self.clients.remove(&key) {
                    client.guard.leave().await;
                }
            }
            Step::Subscribe(key, opens, back) => self.subscribe(key, opens, back).await,
            Step::Read(key) => {
                if let Some((client, _)) = self.clients.get_mut(&key) {
                    client.read();
                }
            }
            Step::Wait(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
        }
    }

    async fn subscribe(&mut self, key: usize, opens_only: bool, back: Option<u64>) {
        let Some((client, subscribed)) = self.clients.get_mut(&key) else { return };
        client.read();
        let last = self.fixture.last;
        let after = back.map(|back| last.saturating_sub(back));
        settle().await;
        client.read();
        client.frames.clear();
        let subscription = if opens_only { opens() } else { everything() };
        client.subscribe(subscription, after.map(|seq| format!("e.{seq}")).as_deref()).await;
        settle().await;
        *subscribed = Some(Subscribed { user: client.guard.user.id, opens: opens_only, after: after.unwrap_or(last) });
    }

    /// Lets every client read everything that is left.
    async fn finish(&mut self) {
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.clients.values_mut().for_each(|(client, _)| client.read());
        }
    }

    /// The ids of the events and notifications that a subscription selects.
    fn selected(&self, subscribed: &Subscribed) -> (Vec<u64>, Vec<u64>) {
        let own = format!("user:{}", subscribed.user);
        let later = || self.published.iter().filter(|published| published.id > subscribed.after);
        let events = later().filter(|published| !subscribed.opens || published.kind == "open");
        let notifications = later().filter(|published| published.to.is_some_and(|to| to == "all" || to == own));
        (events.map(|published| published.id).collect(), notifications.map(|published| published.id).collect())
    }
}

/// Returns true if `received` is in ascending order, without duplicates, and a subset of `selected`.
fn is_part_of(received: &[u64], selected: &[u64]) -> bool {
    let selected: BTreeSet<_> = selected.iter().collect();
    received.iter().all(|id| selected.contains(id)) && received.is_sorted_by(|one, next| one < next)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn each_client_gets_what_its_subscription_selects_in_order_and_once(steps in prop::collection::vec(step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(async move {
            let mut model = Model::new();
            for (index, step) in steps.into_iter().enumerate() {
                model.apply(index, step).await;
            }
            model.finish().await;
            let mut clients = std::mem::take(&mut model.clients);
            for (client, subscribed) in clients.values_mut() {
                let Some(subscribed) = subscribed else { continue };
                // Entries pending for the previous subscription may arrive before the response to this one.
                let answer = client.frames.iter().position(|frame| frame["type"] == "subscribed").unwrap_or_default();
                client.frames.drain(..answer);
                let (received, selected) = (client.ids(), model.selected(subscribed));
                if client.guard.close_signal.reason().is_none() {
                    assert_eq!(received, selected);
                } else {
                    assert!(is_part_of(&received.0, &selected.0) && is_part_of(&received.1, &selected.1));
                }
            }
            model.fixture.stop.cancel();
        });
    }
}
