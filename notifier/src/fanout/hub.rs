//! The hub holds the recent entries and the open connections. Shards poll it for entries, so no per-shard queue is needed.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::feed::{Cursor, ReceivedBatch};
use shared::session::{Caller, Hash, User};
use tokio::sync::{Notify, mpsc, watch};

use crate::config::ConnectionLimits;
use crate::error::ApiError;
use crate::fanout::close_signal::CloseSignal;
use crate::fanout::command::{Command, Member};
use crate::fanout::connections::{Access, Connection, Connections};
use crate::fanout::framing::Framing;
use crate::fanout::protocol::{Close, Online};
use crate::fanout::subscription::Subscription;
use crate::feed::entry::FeedEntry;
use crate::feed::history::{History, Poll};
use crate::feed::recent::Recent;
use crate::transport::writer::ClientWriter;

#[derive(Default)]
struct State {
    history: History,
    connections: Connections,
}

/// The recent entries and the open connections of this replica.
pub struct Hub {
    state: Mutex<State>,
    shards: Vec<mpsc::Sender<Command>>,
    changes: watch::Sender<()>,
    last_connection: AtomicU64,
    live: AtomicBool,
    /// Across all replicas, as last published to Redis.
    online: Mutex<Online>,
    connections_changed: Notify,
}

/// The registration of an open connection. Dropping it only releases the connection's slot in the limits.
/// Use [`ConnectionGuard::leave`] to also remove the connection from its shard.
pub struct ConnectionGuard {
    hub: Arc<Hub>,
    /// Unique on this replica.
    pub connection: u64,
    pub user: Arc<User>,
    pub close_signal: Arc<CloseSignal>,
    /// The cursor of the newest entry at the time when the connection was opened.
    pub cursor: Cursor,
}

impl ConnectionGuard {
    /// Hands the connection to its shard.
    pub async fn join(&self, writer: Arc<ClientWriter>, framing: Framing) {
        self.send(Command::Join(Member::new(self.connection, Arc::clone(&self.user), writer, framing))).await;
    }

    /// Replaces the connection's subscription and, if possible, resumes after `after`.
    pub async fn subscribe(&self, subscription: Subscription, after: Option<Cursor>) {
        let subscription = Arc::new(subscription);
        self.send(Command::Subscribe { connection: self.connection, subscription, after }).await;
    }

    /// Removes the connection from its shard and drops the guard.
    pub async fn leave(self) {
        self.send(Command::Leave(self.connection)).await;
    }

    async fn send(&self, command: Command) {
        if self.hub.shard(self.connection).send(command).await.is_err() {
            // A shard only ends when the service shuts down.
            self.close_signal.send(Close::Restarting);
        }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.hub.lock().connections.remove(self.connection);
        self.hub.connections_changed.notify_one();
    }
}

impl Hub {
    /// Creates a hub without connections, served by the shards that receive from these senders.
    pub fn new(shards: Vec<mpsc::Sender<Command>>) -> Self {
        Self {
            state: Mutex::default(),
            shards,
            changes: watch::Sender::new(()),
            last_connection: AtomicU64::new(0),
            live: AtomicBool::new(false),
            online: Mutex::default(),
            connections_changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shard(&self, connection: u64) -> &mpsc::Sender<Command> {
        &self.shards[usize::try_from(connection).unwrap_or_default() % self.shards.len()]
    }

    /// Registers a connection.
    ///
    /// # Errors
    /// Returns `NotReady` if the feed has not been read yet or the replica is full, and `TooManyConnections` if the user or the
    /// address has reached its limit.
    pub fn join(
        self: &Arc<Self>,
        caller: &Caller,
        address: IpAddr,
        limits: ConnectionLimits,
    ) -> Result<ConnectionGuard, ApiError> {
        let mut state = self.lock();
        let cursor = state.history.cursor().cloned().ok_or(ApiError::NotReady)?;
        state.connections.check_limits(caller.user.id, address, limits)?;
        let connection = self.last_connection.fetch_add(1, Ordering::Relaxed) + 1;
        let (user, close_signal) = (Arc::new(caller.user.clone()), Arc::<CloseSignal>::default());
        let credential = *caller.credential.hash();
        let access = Access { role: user.role, visibility: caller.visibility(), is_masked: caller.is_masked() };
        let signal = Arc::clone(&close_signal);
        let registered = Connection { user: Arc::clone(&user), access, credential, address, close_signal: signal };
        state.connections.insert(connection, registered);
        drop(state);
        self.connections_changed.notify_one();
        Ok(ConnectionGuard { hub: Arc::clone(self), connection, user, close_signal, cursor })
    }

    /// Returns a receiver that is notified whenever shards should poll again.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// The cursor of the newest entry; `None` until the feed has been read for the first time.
    pub fn cursor(&self) -> Option<Cursor> {
        self.lock().history.cursor().cloned()
    }

    /// Appends the new entries of a batch. Returns false if entries before the batch are missing.
    pub fn offer(&self, batch: ReceivedBatch) -> bool {
        let connected = self.lock().history.offer(batch);
        self.changes.send_replace(());
        connected
    }

    /// Returns the entries after `at` to a shard that has handled `resets` resets.
    pub fn poll(&self, at: &Cursor, resets: u64) -> Poll {
        self.lock().history.poll(at, resets)
    }

    /// Returns up to `limit` entries after `after`, up to and including `to`; `None` if some of them are no longer available.
    pub fn replay(&self, after: &Cursor, to: &Cursor, limit: usize) -> Option<Vec<Arc<FeedEntry>>> {
        self.lock().history.replay(after, to, limit)
    }

    /// Starts with the initially read entries. Connections are rejected until then.
    pub fn start(&self, recent: Recent) {
        self.lock().history.replace(recent);
        self.changes.send_replace(());
    }

    /// Restarts at `cursor` because the existing entries do not lead up to it, and makes clients fetch again.
    pub fn reset(&self, cursor: Cursor, reason: &'static str) {
        self.lock().history.restart(cursor);
        self.announce_reset(reason);
    }

    /// Makes clients fetch again.
    pub fn announce_reset(&self, reason: &'static str) {
        tracing::warn!(reason, "the feed lost its continuity; clients fetch again over HTTP");
        metrics::counter!("notifier_resets_total", "reason" => reason).increment(1);
        self.lock().history.count_reset(reason);
        self.changes.send_replace(());
    }

    /// Records whether Redis is delivering messages.
    pub fn set_live(&self, live: bool) {
        self.live.store(live, Ordering::Relaxed);
    }

    /// Returns true while Redis is delivering messages.
    pub fn is_live(&self) -> bool {
        self.live.load(Ordering::Relaxed)
    }

    /// The number of users and connections across all replicas, as last published, but never lower than on this replica.
    pub fn online(&self) -> Online {
        let (users, connections) = {
            let state = self.lock();
            (state.connections.per_user().len(), state.connections.count())
        };
        let published = self.published_online();
        Online { users: published.users.max(users), connections: published.connections.max(connections) }
    }

    /// The number of users and connections across all replicas, as last published.
    pub fn published_online(&self) -> Online {
        *self.online.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records how many users and connections there are across all replicas. Shards notify their clients of changes.
    pub fn set_online(&self, online: Online) {
        let mut known = self.online.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != online {
            *known = online;
            self.changes.send_replace(());
        }
    }

    /// Waits until a connection is opened or closed.
    pub async fn connections_changed(&self) {
        self.connections_changed.notified().await;
    }

    /// The number of open connections per user on this replica.
    pub fn connections_per_user(&self) -> HashMap<i64, usize> {
        self.lock().connections.per_user().clone()
    }

    /// The sessions and tokens of the open connections on this replica.
    pub fn credentials(&self) -> HashSet<Hash> {
        self.lock().connections.credentials()
    }

    /// Closes connections whose credential is in `checked` but not in `valid`, and connections whose access has changed.
    /// Connections whose credential was not checked stay open.
    pub fn close_invalid(&self, checked: &HashSet<Hash>, valid: &HashMap<Hash, Access>) {
        self.lock().connections.close_invalid(checked, valid);
    }
}

#[cfg(test)]
mod tests;
