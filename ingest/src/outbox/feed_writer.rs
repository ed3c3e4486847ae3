//! The publisher's connection to Redis.

use std::sync::Arc;

use shared::feed::{self, EncodedBatch, FeedItem, RefetchReason};
use shared::redis::{Connection, Error, Redis};

/// Appends to the feed over one connection. The pool tests a connection each time it hands one out, which would cost a round trip per
/// commit. This connection is therefore kept open, and replaced only when it fails or another server is the master.
pub(super) struct FeedWriter {
    redis: Redis,
    connection: Option<Connection>,
    /// The epoch that was seen last.
    epoch: Option<Arc<str>>,
    /// Whether clients have to be asked to fetch again.
    owes_refetch: bool,
}

impl FeedWriter {
    pub(super) fn new(redis: Redis) -> Self {
        Self { redis, connection: None, epoch: None, owes_refetch: false }
    }

    /// Connects, if there is no connection.
    pub(super) async fn connect(&mut self) -> Result<&mut Connection, Error> {
        let kept = self.connection.take().filter(|connection| self.redis.is_current(connection));
        let connection = match kept {
            Some(connection) => connection,
            None => self.redis.get().await?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Appends items. After an error, some of them may be published.
    pub(super) async fn append(&mut self, items: &EncodedBatch) -> Result<(), Error> {
        let was_open = self.connection.as_ref().is_some_and(|connection| self.redis.is_current(connection));
        match self.try_append(items).await {
            // Redis closed the connection, for example because it restarted.
            Err(error) if was_open && !error.is_about_the_command() => self.try_append(items).await,
            outcome => outcome,
        }
    }

    async fn try_append(&mut self, items: &EncodedBatch) -> Result<(), Error> {
        let outcome = feed::append(self.connect().await?, items).await;
        if outcome.as_ref().is_err_and(|error| !error.is_about_the_command()) {
            self.connection = None;
        }
        outcome
    }

    /// Empties the history and asks clients to fetch again.
    pub(super) async fn forget(&mut self, reason: RefetchReason) -> Result<(), Error> {
        feed::forget(&self.redis).await?;
        self.append_refetch(reason).await
    }

    async fn append_refetch(&mut self, reason: RefetchReason) -> Result<(), Error> {
        self.append(&EncodedBatch::of(&FeedItem::<String> { refetch: Some(reason), ..FeedItem::default() })?).await
    }

    /// Connects, and tests the connection.
    ///
    /// After a failover, it asks clients to fetch again: the former master may be the only one that has what this process published last, and
    /// no notifier can detect that.
    pub(super) async fn prepare(&mut self) -> Result<(), Error> {
        if !self.redis.can_fail_over() {
            let connection = self.connect().await?;
            let outcome = redis::cmd("PING").query_async(connection).await;
            let () = outcome.inspect_err(|_| self.connection = None)?;
            return Ok(());
        }
        let outcome = feed::end(self.connect().await?).await;
        let end = outcome.inspect_err(|_| self.connection = None)?;
        let before = self.epoch.replace(Arc::clone(&end.epoch));
        self.owes_refetch |= before.is_some_and(|before| before != end.epoch);
        if self.owes_refetch {
            self.append_refetch(RefetchReason::Failover).await?;
            self.owes_refetch = false;
        }
        Ok(())
    }
}
