//! Connections as the pool keeps them.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, Pipeline, RedisError, RedisFuture, Value};

use super::sentinels::HostPort;

/// How the feed's keys are named and how much it keeps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// The first part of every key. In a cluster, it is a hash tag, so that all keys are on one server.
    pub(super) prefix: &'static str,
    pub(super) feed_keep: usize,
}

/// A connection as the pool keeps it.
pub struct Pooled {
    pub(super) link: Link,
    pub(super) layout: Layout,
    /// The server, if sentinels named it.
    pub(super) master: Option<HostPort>,
    /// Whether the server has turned out not to be the master any more.
    pub(super) is_demoted: bool,
}

/// A connection to one server or to a cluster.
pub(super) enum Link {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Pooled {
    /// Learns from the outcome of a command.
    pub(super) fn observe<T>(&mut self, outcome: &Result<T, RedisError>) {
        let code = outcome.as_ref().err().and_then(RedisError::code);
        self.is_demoted |= matches!(code, Some("READONLY" | "MASTERDOWN"));
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(server) => server.req_packed_command(cmd),
            Self::Cluster(cluster) => cluster.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(&'a mut self, pipeline: &'a Pipeline, offset: usize, count: usize) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(server) => server.req_packed_commands(pipeline, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(server) => server.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}
