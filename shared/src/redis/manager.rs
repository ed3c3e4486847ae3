//! Opens connections for the pool, tests them before they are used again, and opens connections for subscriptions.

use std::sync::atomic::{AtomicUsize, Ordering};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use futures::future::BoxFuture;
use futures::{FutureExt, future};
use redis::aio::ConnectionLike;
use redis::cluster::ClusterClient;
use redis::{Client, ConnectionAddr, RedisError};

use super::address::Address;
use super::error::{ConnectError, Error};
use super::pooled::{Layout, Link, Pooled};
use super::sentinels::Sentinels;
use super::timeouts::{TIMEOUT, connection_config};

/// The servers of one installation of Redis.
pub(super) enum Servers {
    Node { client: Client, manager: deadpool_redis::Manager },
    Sentinels(Sentinels),
    Cluster(Cluster),
}

pub(super) struct Cluster {
    client: ClusterClient,
    /// Clients for single nodes, one of which serves a subscription.
    nodes: Vec<Client>,
    /// The node to try next.
    next: AtomicUsize,
}

impl Servers {
    pub(super) fn new(address: Address) -> Result<Self, RedisError> {
        Ok(match address {
            Address::Node(info) => Self::Node {
                client: Client::open(info.clone())?,
                manager: deadpool_redis::Manager::new_with_config(info, connection_config(TIMEOUT))?,
            },
            Address::Sentinels { sentinels, master, node } => Self::Sentinels(Sentinels::new(sentinels, master, node)?),
            Address::Cluster { nodes, certificates } => {
                let mut client = ClusterClient::builder(nodes.clone())
                    .connection_timeout(TIMEOUT)
                    .response_timeout(TIMEOUT)
                    .overall_response_timeout(Some(TIMEOUT));
                if let Some(certificates) = certificates {
                    client = client.certs(certificates);
                }
                let nodes = nodes.into_iter().map(Client::open).collect::<Result<_, _>>()?;
                Self::Cluster(Cluster { client: client.build()?, nodes, next: AtomicUsize::new(0) })
            }
        })
    }

    /// A client for a subscription, and a future that ends once another server is the master.
    pub(super) async fn subscription_client(&self) -> Result<(Client, BoxFuture<'static, ()>), Error> {
        match self {
            Self::Node { client, .. } => Ok((client.clone(), future::pending().boxed())),
            Self::Sentinels(sentinels) => {
                let (master, client) = sentinels.client().await?;
                let mut named = sentinels.watch();
                let moved = async move {
                    // An error means that nothing asks the sentinels any more, as the process stops.
                    let _ = named.wait_for(|now| now.as_ref() != Some(&master)).await;
                };
                Ok((client, moved.boxed()))
            }
            // Every node passes on what is published on another one.
            Self::Cluster(cluster) => {
                let index = cluster.next.fetch_add(1, Ordering::Relaxed) % cluster.nodes.len().max(1);
                Ok((cluster.nodes[index].clone(), future::pending().boxed()))
            }
        }
    }

    /// Whether connections use TLS.
    pub(super) fn is_encrypted(&self) -> bool {
        let uses_tls = |client: &Client| matches!(client.get_connection_info().addr(), ConnectionAddr::TcpTls { .. });
        match self {
            Self::Node { client, .. } => uses_tls(client),
            Self::Sentinels(sentinels) => sentinels.is_encrypted(),
            Self::Cluster(cluster) => cluster.nodes.iter().all(uses_tls),
        }
    }

    /// Returns false if the sentinels have named another master since the connection was opened.
    pub(super) fn is_current(&self, connection: &Pooled) -> bool {
        match self {
            Self::Sentinels(sentinels) => sentinels.is_master(connection.master.as_ref()),
            Self::Node { .. } | Self::Cluster(_) => true,
        }
    }

    /// Returns false if another server may have become the master: most sentinels do not respond, and no replica follows ours.
    pub(super) async fn is_confirmed(&self, connection: &mut impl ConnectionLike) -> Result<bool, Error> {
        let Self::Sentinels(sentinels) = self else { return Ok(true) };
        if sentinels.ask().await.is_ok_and(|answer| answer.is_agreed) {
            return Ok(true);
        }
        let replication: String = redis::cmd("INFO").arg("replication").query_async(connection).await?;
        Ok(!replication.lines().any(|line| line.trim() == "connected_slaves:0"))
    }
}

impl Cluster {
    /// Opens a connection to the cluster.
    async fn connect(&self) -> Result<Link, RedisError> {
        match self.client.get_async_connection().await {
            Ok(cluster) => Ok(Link::Cluster(cluster)),
            // The cluster's client says only that no node could be reached. A node says why.
            Err(error) => {
                for node in &self.nodes {
                    node.get_multiplexed_async_connection_with_config(&connection_config(TIMEOUT)).await?;
                }
                Err(error)
            }
        }
    }
}

/// The pool's manager.
pub struct Manager {
    pub(super) servers: Servers,
    pub(super) layout: Layout,
}

impl Manager {
    pub(super) fn new(servers: Servers, feed_keep: usize) -> Self {
        let prefix = if matches!(servers, Servers::Cluster(_)) { "{ml}" } else { "ml" };
        Self { servers, layout: Layout { prefix, feed_keep } }
    }
}

impl managed::Manager for Manager {
    type Type = Pooled;
    type Error = ConnectError;

    async fn create(&self) -> Result<Pooled, ConnectError> {
        let (link, master) = match &self.servers {
            Servers::Node { manager, .. } => (Link::Server(managed::Manager::create(manager).await?), None),
            Servers::Sentinels(sentinels) => {
                let (master, client) = sentinels.client().await?;
                (
                    Link::Server(client.get_multiplexed_async_connection_with_config(&connection_config(TIMEOUT)).await?),
                    Some(master),
                )
            }
            Servers::Cluster(cluster) => (cluster.connect().await?, None),
        };
        Ok(Pooled { link, layout: self.layout, master, is_demoted: false })
    }

    async fn recycle(&self, pooled: &mut Pooled, metrics: &Metrics) -> RecycleResult<ConnectError> {
        if pooled.is_demoted || !self.servers.is_current(pooled) {
            return Err(RecycleError::message("another server is the master"));
        }
        match (&self.servers, &mut pooled.link) {
            (Servers::Node { manager, .. }, Link::Server(server)) => {
                managed::Manager::recycle(manager, server, metrics).await.map_err(|error| match error {
                    RecycleError::Backend(error) => RecycleError::Backend(ConnectError::Redis(error)),
                    RecycleError::Message(message) => RecycleError::Message(message),
                })
            }
            (_, link) => {
                let () = redis::cmd("PING").query_async(link).await.map_err(ConnectError::Redis)?;
                Ok(())
            }
        }
    }
}
