//! Who gets what: every open socket with its bounded queue, under one lock with the recent entries.
//!
//! One lock makes resuming exact: a socket joins and is given what came before in the same moment, so that nothing falls
//! between replay and live. Under the lock nothing waits: a queue that is full costs its socket and nobody else.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use shared::feed::{Cursor, Entry};
use shared::session::{Credential, Hash, Role, User};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::config::Sockets;
use crate::error::ApiError;
use crate::frame::{Close, Online};
use crate::recent::{Live, Offered, Recent};

/// Entries that may wait for one socket's task. They are shared, so a full queue costs a pointer each.
const QUEUE: usize = 4_096;

/// What a socket's task is given.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// The next entry.
    Entry(Arc<Live>),
    /// Continuity is lost; the reason.
    Reset(&'static str),
    /// Somebody came or went.
    Presence(Online),
}

/// Ends a socket from outside, with a reason.
#[derive(Debug, Default)]
pub struct Ending {
    token: CancellationToken,
    close: OnceLock<Close>,
}

impl Ending {
    fn end(&self, close: Close) {
        let _ = self.close.set(close);
        self.token.cancel();
    }

    /// Waits until the socket is to end, and says why.
    pub async fn ended(&self) -> Close {
        self.token.cancelled().await;
        self.close.get().copied().unwrap_or(Close::Restarting)
    }
}

struct Member {
    user: User,
    credential: Credential,
    queue: mpsc::Sender<Delivery>,
    ending: Arc<Ending>,
    /// Set once the client has subscribed; before, entries pass it by.
    subscribed: bool,
}

#[derive(Default)]
struct State {
    recent: Option<Recent>,
    members: HashMap<u64, Member>,
}

/// The open sockets and the recent entries.
#[derive(Default)]
pub struct Hub {
    state: Mutex<State>,
    next: AtomicU64,
    live: AtomicBool,
    online: Mutex<Online>,
    moved: Notify,
}

/// A socket's place in the hub; leaving is dropping it.
pub struct Place {
    hub: Arc<Hub>,
    /// Of this socket, on this replica.
    pub connection: u64,
    /// What arrives.
    pub queue: mpsc::Receiver<Delivery>,
    /// When to end.
    pub ending: Arc<Ending>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hub.lock().members.remove(&self.connection);
        self.hub.moved.notify_one();
    }
}

impl Place {
    /// Subscribes: from now on entries arrive. Gives the feed's place, and what came after `after` if that is whole.
    pub fn subscribe(&self, after: Option<&Cursor>) -> Option<(Cursor, Option<Vec<Arc<Live>>>)> {
        let mut state = self.hub.lock();
        let State { recent, members } = &mut *state;
        let recent = recent.as_ref()?;
        members.get_mut(&self.connection)?.subscribed = true;
        Some((recent.cursor().clone(), after.and_then(|after| recent.after(after))))
    }
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a socket in.
    ///
    /// # Errors
    /// `NotReady` before the feed was first reached or when full, `TooMany` when the user holds enough.
    pub fn join(self: &Arc<Self>, user: User, credential: Credential, limits: Sockets) -> Result<(Place, Cursor), ApiError> {
        let mut state = self.lock();
        let cursor = state.recent.as_ref().map(|recent| recent.cursor().clone()).ok_or(ApiError::NotReady)?;
        if state.members.len() >= limits.max_sockets {
            return Err(ApiError::NotReady);
        }
        if state.members.values().filter(|member| member.user.id == user.id).count() >= limits.max_sockets_per_user {
            return Err(ApiError::TooMany);
        }
        let connection = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, queue) = mpsc::channel(QUEUE);
        let ending = Arc::new(Ending::default());
        let member = Member { user, credential, queue: sender, ending: Arc::clone(&ending), subscribed: false };
        state.members.insert(connection, member);
        drop(state);
        self.moved.notify_one();
        Ok((Place { hub: Arc::clone(self), connection, queue, ending }, cursor))
    }

    /// The newest place, once the feed was reached.
    pub fn cursor(&self) -> Option<Cursor> {
        self.lock().recent.as_ref().map(|recent| recent.cursor().clone())
    }

    /// Offers an entry to everybody. False when entries before it are missing.
    pub fn offer(&self, entry: Entry) -> bool {
        let mut state = self.lock();
        let Some(recent) = &mut state.recent else { return false };
        match recent.offer(entry) {
            Offered::Hole => false,
            Offered::Known => true,
            Offered::New(live) => {
                send(&mut state.members, |member| member.subscribed, &Delivery::Entry(live));
                true
            }
        }
    }

    /// Begins with what was read before anybody could join.
    pub fn begin(&self, recent: Recent) {
        self.lock().recent = Some(recent);
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
        send(&mut self.lock().members, |member| member.subscribed, &Delivery::Reset(reason));
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
        let here = self.users();
        let heard = *self.online.lock().unwrap_or_else(PoisonError::into_inner);
        Online { users: heard.users.max(here.len()), connections: heard.connections.max(here.values().sum()) }
    }

    /// Waits until somebody came or went.
    pub async fn moved(&self) {
        self.moved.notified().await;
    }

    /// Tells everybody who is here, if that changed.
    pub fn set_online(&self, online: Online) {
        let mut known = self.online.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != online {
            *known = online;
            drop(known);
            send(&mut self.lock().members, |_| true, &Delivery::Presence(online));
        }
    }

    /// The users with sockets here, and how many each has.
    pub fn users(&self) -> HashMap<i64, usize> {
        let mut users = HashMap::new();
        for member in self.lock().members.values() {
            *users.entry(member.user.id).or_default() += 1;
        }
        users
    }

    /// The sessions and tokens that hold sockets open.
    pub fn credentials(&self) -> HashSet<Hash> {
        self.lock().members.values().map(|member| *member.credential.hash()).collect()
    }

    /// Of the sockets held by those `asked` about, ends those whose session or token is not among `valid`, and those whose user
    /// has another role by now. A socket that joined since the question was asked is not judged by its answer.
    pub fn retain(&self, asked: &HashSet<Hash>, valid: &HashMap<Hash, Role>) {
        for member in self.lock().members.values() {
            let hash = member.credential.hash();
            match valid.get(hash) {
                _ if !asked.contains(hash) => {}
                None => member.ending.end(Close::SignedOut),
                Some(role) if *role != member.user.role => member.ending.end(Close::Resync),
                Some(_) => {}
            }
        }
    }
}

/// Puts `delivery` into the queues of those it concerns. Whoever has no room is ended, and stays counted until they are gone.
fn send(members: &mut HashMap<u64, Member>, concerns: impl Fn(&Member) -> bool, delivery: &Delivery) {
    for member in members.values_mut().filter(|member| concerns(member)) {
        if member.queue.try_send(delivery.clone()).is_err() {
            member.subscribed = false;
            member.ending.end(Close::TooSlow);
            metrics::counter!("notifier_slow_total").increment(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::feed::Item;

    const LIMITS: Sockets = Sockets { max_sockets: 3, max_sockets_per_user: 2 };

    fn hub() -> Arc<Hub> {
        let hub = Arc::new(Hub::default());
        hub.begin(Recent::new(cursor(0)));
        hub
    }

    fn cursor(seq: u64) -> Cursor {
        Cursor { epoch: "e".to_owned(), seq }
    }

    fn join(hub: &Arc<Hub>, user: i64, session: &str) -> Result<Place, ApiError> {
        let user = User { id: user, email: String::new(), role: Role::Viewer };
        hub.join(user, Credential::Session(Hash::of(session)), LIMITS).map(|(place, _)| place)
    }

    fn offer(hub: &Hub, seq: u64) -> bool {
        hub.offer(Entry { epoch: "e".to_owned(), seq, item: Item::default() })
    }

    #[tokio::test]
    async fn whoever_does_not_read_is_ended_and_nobody_else() {
        let hub = hub();
        let (slow, mut quick) = (join(&hub, 1, "a").expect("a place"), join(&hub, 2, "b").expect("a place"));
        slow.subscribe(None).expect("subscribed");
        quick.subscribe(None).expect("subscribed");
        for seq in 1..=QUEUE as u64 + 10 {
            assert!(offer(&hub, seq));
            assert!(matches!(quick.queue.recv().await, Some(Delivery::Entry(live)) if live.cursor.seq == seq));
        }
        assert_eq!(slow.ending.ended().await, Close::TooSlow);
        assert_eq!(slow.queue.len(), QUEUE, "its queue is bounded");
        assert_eq!(hub.users().len(), 2, "it counts until it is gone");
        drop(slow);
        assert_eq!(hub.users().len(), 1);
    }

    #[tokio::test]
    async fn a_socket_that_joined_meanwhile_is_not_judged_by_an_older_question() {
        let hub = hub();
        let (held, gone) = (join(&hub, 1, "held").expect("a place"), join(&hub, 2, "gone").expect("a place"));
        let asked = hub.credentials();
        let late = join(&hub, 3, "late").expect("a place");
        hub.retain(&asked, &HashMap::from([(Hash::of("held"), Role::Admin)]));
        assert_eq!(held.ending.ended().await, Close::Resync, "another role by now");
        assert_eq!(gone.ending.ended().await, Close::SignedOut);
        assert!(!late.ending.token.is_cancelled());
    }

    #[test]
    fn sockets_are_bounded_and_wait_for_the_feed() {
        assert!(matches!(join(&Arc::default(), 1, "a"), Err(ApiError::NotReady)));
        let hub = hub();
        let _held = [join(&hub, 1, "a").expect("a place"), join(&hub, 1, "a").expect("a place")];
        assert!(matches!(join(&hub, 1, "a"), Err(ApiError::TooMany)));
        let _other = join(&hub, 2, "b").expect("a place");
        assert!(matches!(join(&hub, 3, "c"), Err(ApiError::NotReady)), "full");
    }

    #[test]
    fn a_resume_begins_where_live_goes_on() {
        let hub = hub();
        assert!(offer(&hub, 1) && offer(&hub, 2) && offer(&hub, 2));
        assert!(!offer(&hub, 4), "a hole");
        let mut place = join(&hub, 1, "a").expect("a place");
        assert!(offer(&hub, 3), "it joined and has not subscribed");
        let (now, replay) = place.subscribe(Some(&cursor(1))).expect("subscribed");
        let replayed: Vec<u64> = replay.expect("all of it").iter().map(|live| live.cursor.seq).collect();
        assert_eq!((now, replayed), (cursor(3), vec![2, 3]));
        assert!(offer(&hub, 4));
        assert!(matches!(place.queue.try_recv(), Ok(Delivery::Entry(live)) if live.cursor.seq == 4));
        assert!(place.queue.try_recv().is_err());
    }
}
