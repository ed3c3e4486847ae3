//! Partitions of the network: the master of Redis is cut off together with one notifier.

use front_door::delivery::event;
use front_door::{ApiClient, Follower, Mandrill, Proxy, ProxyMode, until, until_readyz};
use serde_json::Value;
use stack::{Part, RedisGroup, Stack};

use crate::redis_groups::stack_on;

/// Lets a proxy see which connections belong to a service, also for users other than root.
const INSPECTABLE: (&str, &str) = ("ALLOW_CORE_DUMPS", "true");

/// The proxies through which the parts of a group reach each other.
enum Network {
    Sentinels { to_master: Proxy, to_sentinels: Vec<Proxy> },
    Cluster(Vec<Node>),
}

/// A node of a cluster.
struct Node {
    port: u16,
    to_clients_port: Proxy,
    to_bus: Proxy,
}

impl Network {
    async fn of_sentinels() -> (RedisGroup, Self) {
        let to_master = Proxy::to(0).await;
        let announce = |port| {
            to_master.redirect_to(port);
            to_master.port()
        };
        let group = RedisGroup::sentinels(announce).expect("the servers should start");
        let mut to_sentinels = Vec::new();
        for port in group.sentinel_ports() {
            to_sentinels.push(Proxy::to(port).await);
        }
        (group, Self::Sentinels { to_master, to_sentinels })
    }

    async fn of_cluster() -> (RedisGroup, Self) {
        let mut nodes = Vec::new();
        for _ in 0..6 {
            nodes.push(Node { port: 0, to_clients_port: Proxy::to(0).await, to_bus: Proxy::to(0).await });
        }
        let mut unused = nodes.iter_mut();
        let announce = |port, bus| {
            let node = unused.next().expect("a cluster should have six nodes");
            node.port = port;
            node.to_clients_port.redirect_to(port);
            node.to_bus.redirect_to(bus);
            (node.to_clients_port.port(), node.to_bus.port())
        };
        let group = RedisGroup::cluster(announce).expect("the servers should start");
        (group, Self::Cluster(nodes))
    }

    /// Starts the notifier that is to be cut off.
    fn start_notifier(&self, stack: &Stack) -> stack::Replica {
        let started = match self {
            Self::Sentinels { to_sentinels, .. } => {
                let addresses: Vec<String> = to_sentinels.iter().map(|proxy| format!("127.0.0.1:{}", proxy.port())).collect();
                stack.replica_with("notifier", &[("REDIS_SENTINELS", &addresses.join(",")), INSPECTABLE])
            }
            Self::Cluster(_) => stack.replica_with("notifier", &[INSPECTABLE]),
        };
        started.expect("the notifier should start")
    }

    /// Cuts the master and the notifier with this process id off from everything else.
    fn cut(&self, group: &RedisGroup, notifier: u32) {
        match self {
            Self::Sentinels { to_master, to_sentinels } => {
                to_master.set_mode(ProxyMode::CutExcept(notifier));
                to_sentinels.iter().for_each(|proxy| proxy.set_mode(ProxyMode::Cut));
            }
            Self::Cluster(nodes) => {
                let master = group.master().expect("the cluster should have a master");
                let source = group.source(master).expect("a node should have an address");
                for node in nodes {
                    let is_master = node.port == master;
                    let clients = if is_master { ProxyMode::CutExcept(notifier) } else { ProxyMode::CutOf(notifier) };
                    node.to_clients_port.set_mode(clients);
                    node.to_bus.set_mode(if is_master { ProxyMode::Cut } else { ProxyMode::CutFrom(source.into()) });
                }
            }
        }
    }

    fn heal(&self) {
        let proxies: Vec<&Proxy> = match self {
            Self::Sentinels { to_master, to_sentinels } => to_sentinels.iter().chain([to_master]).collect(),
            Self::Cluster(nodes) => nodes.iter().flat_map(|node| [&node.to_clients_port, &node.to_bus]).collect(),
        };
        proxies.into_iter().for_each(|proxy| proxy.set_mode(ProxyMode::Forward));
    }
}

/// Delivers while the master is cut off together with a notifier, which meanwhile says `state` about Redis.
async fn pages_fetch_again(group: RedisGroup, network: Network, state: &str) {
    let stack = stack_on(&group);
    let cut_off = network.start_notifier(&stack);
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let (mut near, mut far) = (Follower::new(admin.clone()), Follower::new(admin.clone()));
    far.addresses = vec![cut_off.address()];
    near.connect().await;
    far.connect().await;
    let deliver = async |name: &str| {
        let batch: Vec<Value> = (0..50).map(|n| event("open", &format!("{name}-{n}"))).collect();
        assert_eq!(mandrill.deliver(&batch).await.status, 200);
    };
    deliver("before").await;
    near.follow_until(|near| near.events.len() == 50).await;
    far.follow_until(|far| far.events.len() == 50).await;
    let refetches = far.refetches;

    let master = group.master();
    network.cut(&group, cut_off.pid());
    until("another server becomes the master", || async { group.master().filter(|port| Some(*port) != master) }).await;
    until_readyz(&cut_off.address(), 503, "redis", state).await;
    until_readyz(&stack.direct(Part::Notifier), 200, "redis", "up").await;
    deliver("meanwhile").await;
    near.follow_until(|near| near.events.len() == 100).await;

    network.heal();
    until_readyz(&cut_off.address(), 200, "redis", "up").await;
    // Nothing else is delivered that would show the gap.
    far.follow_until(|far| far.events.len() == 100).await;
    deliver("afterwards").await;
    near.follow_until(|near| near.events.len() == 150).await;
    far.follow_until(|far| far.events.len() == 150).await;
    assert!(far.refetches > refetches, "the page should fetch again");
    assert_eq!(near.events.keys().collect::<Vec<_>>(), far.events.keys().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notifier_cut_off_together_with_the_master_of_sentinels_is_not_ready_and_its_pages_fetch_again() {
    let (group, network) = Network::of_sentinels().await;
    pages_fetch_again(group, network, "cut_off").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notifier_cut_off_together_with_a_master_of_a_cluster_is_not_ready_and_its_pages_fetch_again() {
    let (group, network) = Network::of_cluster().await;
    pages_fetch_again(group, network, "away").await;
}
