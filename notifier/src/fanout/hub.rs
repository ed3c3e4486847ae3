//! Who is here, and what is new: the recent entries, and a place for every open connection, within bounds. The shards look here
//! for what to send, so that nothing queues for them.

use std::collections::{HashMap, HashSet};
use std::hash::Hash as Hashable;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::feed::{Cursor, ReceivedBatch};
use shared::session::{Caller, Hash, Role, User};
use tokio::sync::{Notify, mpsc, watch};

use crate::config::Sockets;
use crate::error::ApiError;
use crate::fanout::close_signal::CloseSignal;
use crate::fanout::command::{Command, Following, Member};
use crate::fanout::framing::Framing;
use crate::fanout::protocol::{Close, Online};
use crate::fanout::subscription::Subscription;
use crate::feed::entry::FeedEntry;
use crate::feed::recent::Recent;
use crate::transport::writer::Link;

/// Entries that a shard takes at once.
const LOOK: usize = 256;

struct Connection {
    user: Arc<User>,
    credential: Hash,
    address: IpAddr,
    close_signal: Arc<CloseSignal>,
}

#[derive(Default)]
struct State {
    recent: Option<Recent>,
    /// How often continuity was lost, and why last.
    resets: (u64, &'static str),
    connections: HashMap<u64, Connection>,
    users: HashMap<i64, usize>,
    addresses: HashMap<IpAddr, usize>,
}

/// What a shard finds when it looks.
pub enum Poll {
    /// The next entries; empty for none.
    Entries(Vec<Arc<FeedEntry>>),
    /// Continuity is lost.
    Reset {
        /// Where to go on.
        at: Cursor,
        /// Why.
        reason: &'static str,
        /// For the next look.
        resets: u64,
    },
}

/// The open connections and the recent entries.
pub struct Hub {
    state: Mutex<State>,
    shards: Vec<mpsc::Sender<Command>>,
    changed: watch::Sender<()>,
    next: AtomicU64,
    live: AtomicBool,
    online: Mutex<Online>,
    moved: Notify,
}

/// A connection's place in the hub. To be left.
pub struct ConnectionGuard {
    hub: Arc<Hub>,
    /// Of this connection, on this replica.
    pub connection: u64,
    /// Who holds it.
    pub user: Arc<User>,
    /// When to end.
    pub close_signal: Arc<CloseSignal>,
    /// Where the feed was.
    pub cursor: Cursor,
}

impl ConnectionGuard {
    /// Hands the connection to the shard that serves it.
    pub async fn join(&self, link: Arc<Link>, framing: Framing) {
        let user = Arc::clone(&self.user);
        self.send(Command::Join(Member { connection: self.connection, user, link, framing, following: Following::Nothing }))
            .await;
    }

    /// Chooses what the connection carries from now on; `after` is the cursor to resume from.
    pub async fn subscribe(&self, subscription: Subscription, after: Option<Cursor>) {
        let subscription = Arc::new(subscription);
        self.send(Command::Subscribe { connection: self.connection, subscription, after }).await;
    }

    /// Takes the connection from its shard and gives the place back.
    pub async fn leave(self) {
        self.send(Command::Leave(self.connection)).await;
    }

    async fn send(&self, command: Command) {
        if self.hub.shard(self.connection).send(command).await.is_err() {
            // The shard has ended, and with it this service's work.
            self.close_signal.send(Close::Restarting);
        }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.hub.lock().remove(self.connection);
        self.hub.moved.notify_one();
    }
}

impl State {
    fn remove(&mut self, connection: u64) {
        if let Some(member) = self.connections.remove(&connection) {
            one_less(&mut self.users, member.user.id);
            one_less(&mut self.addresses, member.address);
        }
    }
}

fn one_less<K: Hashable + Eq>(counts: &mut HashMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

impl Hub {
    /// Nobody, served by these shards.
    pub fn new(shards: Vec<mpsc::Sender<Command>>) -> Self {
        Self {
            state: Mutex::default(),
            shards,
            changed: watch::Sender::new(()),
            next: AtomicU64::new(0),
            live: AtomicBool::new(false),
            online: Mutex::default(),
            moved: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shard(&self, connection: u64) -> &mpsc::Sender<Command> {
        &self.shards[usize::try_from(connection).unwrap_or_default() % self.shards.len()]
    }

    /// Takes a connection in.
    ///
    /// # Errors
    /// `NotReady` before the feed was first reached or when full, `TooMany` when the user or the address holds enough.
    pub fn join(self: &Arc<Self>, caller: &Caller, address: IpAddr, limits: Sockets) -> Result<ConnectionGuard, ApiError> {
        let mut state = self.lock();
        let cursor = state.recent.as_ref().map(|recent| recent.cursor().clone()).ok_or(ApiError::NotReady)?;
        if state.connections.len() >= limits.max_sockets {
            return Err(ApiError::NotReady);
        }
        let of_user = state.users.get(&caller.user.id).copied().unwrap_or_default();
        let of_address = state.addresses.get(&address).copied().unwrap_or_default();
        if of_user >= limits.max_sockets_per_user || of_address >= limits.max_sockets_per_address {
            return Err(ApiError::TooMany);
        }
        let connection = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let (user, close_signal) = (Arc::new(caller.user.clone()), Arc::<CloseSignal>::default());
        *state.users.entry(user.id).or_default() += 1;
        *state.addresses.entry(address).or_default() += 1;
        let credential = *caller.credential.hash();
        state.connections.insert(
            connection,
            Connection { user: Arc::clone(&user), credential, address, close_signal: Arc::clone(&close_signal) },
        );
        drop(state);
        self.moved.notify_one();
        Ok(ConnectionGuard { hub: Arc::clone(self), connection, user, close_signal, cursor })
    }

    /// Wakes whoever waits for news.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The newest cursor, once the feed was reached.
    pub fn cursor(&self) -> Option<Cursor> {
        self.lock().recent.as_ref().map(|recent| recent.cursor().clone())
    }

    /// Takes what is new of a run. False when entries before it are missing.
    pub fn offer(&self, run: ReceivedBatch) -> bool {
        let taken = self.lock().recent.as_mut().is_some_and(|recent| recent.offer(run));
        self.changed.send_replace(());
        taken
    }

    /// What comes after `at`, for a shard that knows of so many resets.
    pub fn poll(&self, at: &Cursor, resets: u64) -> Poll {
        let state = self.lock();
        let Some(recent) = &state.recent else { return Poll::Entries(Vec::new()) };
        let entries = recent.after(at);
        if state.resets.0 != resets {
            let at = if entries.is_some() { at.clone() } else { recent.start() };
            return Poll::Reset { at, reason: state.resets.1, resets: state.resets.0 };
        }
        match entries {
            Some(entries) => Poll::Entries(entries.take(LOOK).cloned().collect()),
            None => Poll::Reset { at: recent.cursor().clone(), reason: "overrun", resets },
        }
    }

    /// At most `limit` entries after `after` and up to `to`, if all that follows `after` is still here.
    pub fn replay(&self, after: &Cursor, to: &Cursor, limit: usize) -> Option<Vec<Arc<FeedEntry>>> {
        let state = self.lock();
        let entries = state.recent.as_ref()?.after(after)?;
        Some(entries.take(limit).take_while(|entry| entry.cursor.seq <= to.seq).cloned().collect())
    }

    /// Begins with what was read before anybody could join.
    pub fn begin(&self, recent: Recent) {
        self.lock().recent = Some(recent);
        self.changed.send_replace(());
    }

    /// Begins anew at `cursor`: what was remembered no longer connects. Subscribers are told why.
    pub fn reset(&self, cursor: Cursor, reason: &'static str) {
        self.lock().recent = Some(Recent::new(cursor));
        self.tell_reset(reason);
    }

    /// Tells subscribers to fetch again, for this reason.
    pub fn tell_reset(&self, reason: &'static str) {
        tracing::warn!(reason, "the feed's continuity is lost; clients refetch");
        metrics::counter!("notifier_resets_total", "reason" => reason).increment(1);
        let resets = &mut self.lock().resets;
        *resets = (resets.0 + 1, reason);
        self.changed.send_replace(());
    }

    /// Notes whether Redis delivers.
    pub fn set_live(&self, live: bool) {
        self.live.store(live, Ordering::Relaxed);
    }

    /// True while Redis delivers.
    pub fn is_live(&self) -> bool {
        self.live.load(Ordering::Relaxed)
    }

    /// Who is here, over all replicas, as last heard; never fewer than are here.
    pub fn online(&self) -> Online {
        let (users, connections) = {
            let state = self.lock();
            (state.users.len(), state.connections.len())
        };
        let heard = *self.online.lock().unwrap_or_else(PoisonError::into_inner);
        Online { users: heard.users.max(users), connections: heard.connections.max(connections) }
    }

    /// Waits until somebody came or went.
    pub async fn moved(&self) {
        self.moved.notified().await;
    }

    /// Notes who is here over all replicas, for everybody to be told.
    pub fn set_online(&self, online: Online) {
        let mut known = self.online.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != online {
            *known = online;
            self.changed.send_replace(());
        }
    }

    /// Who is here over all replicas, as last noted.
    pub fn noted_online(&self) -> Online {
        *self.online.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The users with connections here, and how many each has.
    pub fn users(&self) -> HashMap<i64, usize> {
        self.lock().users.clone()
    }

    /// The sessions and tokens that hold connections open.
    pub fn credentials(&self) -> HashSet<Hash> {
        self.lock().connections.values().map(|member| member.credential).collect()
    }

    /// Of the connections held by those `asked` about, ends those whose session or token is not among `valid`, and those whose
    /// user has another role by now. A connection that joined since the question was asked is not judged by its answer.
    pub fn retain(&self, asked: &HashSet<Hash>, valid: &HashMap<Hash, Role>) {
        for member in self.lock().connections.values() {
            match valid.get(&member.credential) {
                _ if !asked.contains(&member.credential) => {}
                None => member.close_signal.send(Close::SignedOut),
                Some(role) if *role != member.user.role => member.close_signal.send(Close::Resync),
                Some(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::feed::ReceivedItem;
    use shared::session::Credential;

    const LIMITS: Sockets = Sockets { max_sockets: 4, max_sockets_per_user: 2, max_sockets_per_address: 3 };

    fn hub() -> Arc<Hub> {
        let hub = Hub::new(vec![mpsc::channel(8).0]);
        hub.begin(Recent::new(cursor("e", 0)));
        Arc::new(hub)
    }

    fn cursor(epoch: &str, seq: u64) -> Cursor {
        Cursor { epoch: epoch.into(), seq }
    }

    fn join(hub: &Arc<Hub>, user: i64, session: &str, address: u8) -> Result<ConnectionGuard, ApiError> {
        let user = User { id: user, email: String::new(), role: Role::Viewer };
        let caller = Caller { user, credential: Credential::Session(Hash::of(session)) };
        hub.join(&caller, IpAddr::from([127, 0, 0, address]), LIMITS)
    }

    fn offer(hub: &Hub, after: u64, count: usize) -> bool {
        hub.offer(ReceivedBatch { after: cursor("e", after), items: vec![ReceivedItem::default(); count], unreadable: 0 })
    }

    #[test]
    fn a_connection_that_joined_meanwhile_is_not_judged_by_an_older_question() {
        let hub = hub();
        let (held, gone) = (
            join(&hub, 1, "held", 1).expect("room for the connection"),
            join(&hub, 2, "gone", 1).expect("room for the connection"),
        );
        let asked = hub.credentials();
        let late = join(&hub, 3, "late", 1).expect("room for the connection");
        hub.retain(&asked, &HashMap::from([(Hash::of("held"), Role::Admin)]));
        assert_eq!(held.close_signal.reason(), Some(Close::Resync), "another role by now");
        assert_eq!(gone.close_signal.reason(), Some(Close::SignedOut));
        assert_eq!(late.close_signal.reason(), None);
    }

    #[test]
    fn connections_are_bounded_and_wait_for_the_feed() {
        let early = Arc::new(Hub::new(vec![mpsc::channel(8).0]));
        assert!(matches!(join(&early, 1, "a", 1), Err(ApiError::NotReady)));
        let hub = hub();
        let held =
            [join(&hub, 1, "a", 1).expect("room for the connection"), join(&hub, 1, "a", 1).expect("room for the connection")];
        assert!(matches!(join(&hub, 1, "a", 2), Err(ApiError::TooMany)), "of one user");
        let _third = join(&hub, 2, "b", 1).expect("room for the connection");
        assert!(matches!(join(&hub, 3, "c", 1), Err(ApiError::TooMany)), "of one address");
        let _fourth = join(&hub, 3, "c", 2).expect("room for the connection");
        assert!(matches!(join(&hub, 4, "d", 3), Err(ApiError::NotReady)), "full");
        drop(held);
        assert_eq!(hub.users(), HashMap::from([(2, 1), (3, 1)]));
        assert!(join(&hub, 1, "a", 1).is_ok());
    }

    #[test]
    fn a_shard_finds_what_is_new_and_is_told_when_it_does_not_connect() {
        let hub = hub();
        assert!(offer(&hub, 0, 2) && offer(&hub, 0, 2));
        assert!(!offer(&hub, 3, 1), "a hole");
        assert!(matches!(hub.poll(&cursor("e", 0), 0), Poll::Entries(entries) if entries.len() == 2));
        assert!(matches!(hub.poll(&cursor("e", 2), 0), Poll::Entries(entries) if entries.is_empty()));
        hub.tell_reset("unreadable");
        assert!(
            matches!(hub.poll(&cursor("e", 2), 0), Poll::Reset { at, reason: "unreadable", resets: 1 } if at == cursor("e", 2))
        );
        hub.reset(cursor("f", 7), "epoch");
        assert!(hub.offer(ReceivedBatch { after: cursor("f", 7), items: vec![ReceivedItem::default()], unreadable: 0 }));
        assert!(matches!(hub.poll(&cursor("e", 2), 1), Poll::Reset { at, reason: "epoch", resets: 2 } if at == cursor("f", 7)));
        assert!(matches!(hub.poll(&cursor("f", 3), 2), Poll::Reset { at, reason: "overrun", .. } if at == cursor("f", 8)));
    }
}
