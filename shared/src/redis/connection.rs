//! Connections for commands.

use deadpool::managed::Object;
use redis::aio::ConnectionLike;
use redis::{Cmd, Pipeline, RedisFuture, Value};

use super::manager::Manager;
use super::pooled::Pooled;

/// A connection from the pool. Dropping it returns it.
pub struct Connection(Object<Manager>);

impl Connection {
    /// The name of a key: `ml:NAME`, and in a cluster `{ml}:NAME`.
    pub fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.0.layout.prefix)
    }

    pub(super) fn pooled(&self) -> &Pooled {
        &self.0
    }

    /// The number of items that the feed keeps, approximately.
    pub fn feed_keep(&self) -> usize {
        self.0.layout.feed_keep
    }
}

impl From<Object<Manager>> for Connection {
    fn from(object: Object<Manager>) -> Self {
        Self(object)
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let outcome = self.0.link.req_packed_command(cmd).await;
            self.0.observe(&outcome);
            outcome
        })
    }

    fn req_packed_commands<'a>(&'a mut self, pipeline: &'a Pipeline, offset: usize, count: usize) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let outcome = self.0.link.req_packed_commands(pipeline, offset, count).await;
            self.0.observe(&outcome);
            outcome
        })
    }

    fn get_db(&self) -> i64 {
        self.0.link.get_db()
    }
}
