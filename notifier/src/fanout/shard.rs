//! Who gets what: a share of the connections, served by one task. Connections with the same subscription form a group, for which
//! an entry is judged once and its frames are made once, whatever their number.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use metrics::{Counter, Histogram};
use shared::feed::Cursor;
use shared::session::User;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::fanout::command::{COMMAND_QUEUE, Command, Following, Member};
use crate::fanout::framing::Framing;
use crate::fanout::hub::Hub;
use crate::fanout::outgoing::Outgoing;
use crate::fanout::protocol::{Close, Online, ServerFrame};
use crate::fanout::subscription::Subscription;
use crate::feed::history::Poll;
use crate::transport::websocket;
use crate::transport::writer::ClientWriter;

/// Least time between two bursts of frames with events.
const EVENTS_EVERY: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);
/// How often each connection gets a heartbeat, and a websocket a ping: one in so many seconds.
const HEARTBEAT: u64 = 25;
/// A client that has not even answered a ping for so long is gone: found by the second ping that it misses, within 60 s.
const SILENCE: Duration = Duration::from_secs(40);
/// Entries replayed to one client at a time.
const REPLAY: usize = 500;
/// After sending, a shard rests twice as long as that took, and this at most.
const LONGEST_REST: Duration = Duration::from_millis(50);
/// How often a replay looks whether its client has read what it was sent, and how often a drain goes on.
const STEP: Duration = Duration::from_millis(10);

/// A place in a group.
struct Seat {
    connection: u64,
    user: Arc<User>,
    writer: Arc<ClientWriter>,
    /// It has had everything up to this number.
    from: u64,
}

struct Group {
    seats: Vec<Seat>,
    outgoing: Outgoing,
    /// When frames with events went out last.
    flushed: Option<Instant>,
}

impl Group {
    /// When what waits may go out: at `soonest`, or a little later where frames with events went out just before.
    fn due(&self, soonest: Instant) -> Option<Instant> {
        let spread = self.flushed.filter(|_| self.outgoing.has_events()).map(|flushed| flushed + EVENTS_EVERY);
        (!self.outgoing.is_empty()).then(|| spread.unwrap_or(soonest).max(soonest))
    }
}

type Key = (Arc<Subscription>, Framing);

/// A share of the connections.
pub struct Shard {
    hub: Arc<Hub>,
    commands: mpsc::Receiver<Command>,
    changes: watch::Receiver<()>,
    /// Cancelled when connections are to be sent away, over so much time.
    stop: CancellationToken,
    drain: Duration,
    draining: Option<Drain>,
    /// Everything up to here has been given to the groups.
    at: Cursor,
    resets: u64,
    members: HashMap<u64, Member>,
    groups: HashMap<Key, Group>,
    replays: VecDeque<u64>,
    /// No sooner than then is anything sent to groups.
    rested: Instant,
    online: Online,
    seconds: u64,
    meters: Meters,
}

struct Meters {
    frames: Counter,
    bytes: Counter,
    lag: Histogram,
}

/// Connections being sent away, one after the other.
struct Drain {
    since: Instant,
    order: Vec<u64>,
    done: usize,
}

impl Shard {
    /// Without connections.
    pub fn new(hub: Arc<Hub>, commands: mpsc::Receiver<Command>, stop: CancellationToken, drain: Duration) -> Self {
        let meters = Meters {
            frames: metrics::counter!("notifier_frames_sent_total"),
            bytes: metrics::counter!("notifier_bytes_sent_total"),
            lag: metrics::histogram!("notifier_lag_seconds"),
        };
        Self {
            changes: hub.changes(),
            hub,
            commands,
            stop,
            drain,
            draining: None,
            at: Cursor { epoch: "".into(), seq: 0 },
            resets: 0,
            members: HashMap::new(),
            groups: HashMap::new(),
            replays: VecDeque::new(),
            rested: Instant::now(),
            online: Online::default(),
            seconds: 0,
            meters,
        }
    }

    /// Serves until the last connection has gone after `stop`.
    pub async fn run(mut self) {
        let mut second = tokio::time::interval_at(Instant::now() + SECOND, SECOND);
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut more = false;
        while !(self.draining.is_some() && self.members.is_empty()) {
            let wake = self.wake();
            tokio::select! {
                () = std::future::ready(()), if more => {}
                Some(command) = self.commands.recv() => self.handle(command),
                Ok(()) = self.changes.changed() => {}
                _ = second.tick() => self.tick(),
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
                () = self.stop.cancelled(), if self.draining.is_none() => self.begin_drain(),
            }
            for _ in 0..COMMAND_QUEUE {
                let Ok(command) = self.commands.try_recv() else { break };
                self.handle(command);
            }
            more = self.poll();
            self.flush();
            self.replay();
            self.tell_online();
            self.go_on_draining();
            tokio::task::yield_now().await;
        }
    }

    /// When to look again though nobody asks.
    fn wake(&self) -> Option<Instant> {
        let now = Instant::now();
        let stepping = !self.replays.is_empty() || self.draining.is_some();
        let step = stepping.then(|| now + STEP);
        let soonest = now.max(self.rested);
        self.groups.values().filter_map(|group| group.due(soonest)).chain(step).min()
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Join(member) => {
                self.members.insert(member.connection, member);
            }
            Command::Leave(connection) => {
                self.unfollow(connection);
                self.members.remove(&connection);
            }
            Command::Subscribe { connection, subscription, after } => self.subscribe(connection, subscription, after),
        }
    }

    /// What is sent from here on continues `after` if all since then is still here; else the client is told to fetch.
    fn subscribe(&mut self, connection: u64, subscription: Arc<Subscription>, after: Option<Cursor>) {
        while self.poll() {}
        self.unfollow(connection);
        let (hub, at) = (Arc::clone(&self.hub), self.at.clone());
        // Another replica may be ahead of this one: its client has had what is still to come here.
        let is_ahead = |after: &Cursor| after.epoch == at.epoch && after.seq > at.seq;
        let after = after.filter(|after| is_ahead(after) || hub.replay(after, &at, 0).is_some());
        let recovered = after.is_some();
        let source = if recovered { "memory" } else { "refetch" };
        metrics::counter!("notifier_subscriptions_total", "resumed_from" => source).increment(1);
        let cursor = after.unwrap_or_else(|| at.clone());
        let Some(member) = self.members.get_mut(&connection) else { return };
        member.say(&ServerFrame::Subscribed { cursor: &cursor, recovered }, Some(&cursor));
        if cursor.seq < at.seq {
            member.following = Following::Replay(subscription, cursor);
            self.replays.push_back(connection);
        } else {
            self.follow(connection, subscription, cursor.seq);
        }
    }

    /// Seats a connection that has had everything up to number `from` in its group.
    fn follow(&mut self, connection: u64, subscription: Arc<Subscription>, from: u64) {
        let Some(member) = self.members.get_mut(&connection) else { return };
        let at = &self.at;
        let new = || Group { seats: Vec::new(), outgoing: Outgoing::new(at.clone()), flushed: None };
        let group = self.groups.entry((Arc::clone(&subscription), member.framing)).or_insert_with(new);
        group.seats.push(Seat { connection, user: Arc::clone(&member.user), writer: Arc::clone(&member.writer), from });
        member.following = Following::Live(subscription);
    }

    /// Takes a connection out of its group, once it has had what waits there.
    fn unfollow(&mut self, connection: u64) {
        let Some(member) = self.members.get_mut(&connection) else { return };
        match std::mem::replace(&mut member.following, Following::Nothing) {
            Following::Nothing => {}
            Following::Replay(..) => self.replays.retain(|one| *one != connection),
            Following::Live(subscription) => {
                let key = (subscription, member.framing);
                let Some(group) = self.groups.get_mut(&key) else { return };
                if let Some(index) = group.seats.iter().position(|seat| seat.connection == connection) {
                    let seat = group.seats.swap_remove(index);
                    send(&group.outgoing, key.1, std::slice::from_ref(&seat), &self.meters);
                }
                if group.seats.is_empty() {
                    self.groups.remove(&key);
                }
            }
        }
    }

    /// Gives the groups what is new. True when there may be more.
    fn poll(&mut self) -> bool {
        match self.hub.poll(&self.at, self.resets) {
            Poll::Entries(entries) => {
                for entry in &entries {
                    for ((subscription, _), group) in &mut self.groups {
                        group.outgoing.push(entry, subscription);
                    }
                }
                if let Some(last) = entries.last() {
                    self.at = last.cursor.clone();
                }
                !entries.is_empty()
            }
            Poll::Reset { at, reason, resets } => {
                // Nobody is here yet, or the feed had not been reached: that is how it begins.
                (self.at, self.resets) = (at, resets);
                self.reset(reason);
                true
            }
        }
    }

    /// Sends what still waits, and tells everybody who has subscribed to fetch again.
    fn reset(&mut self, reason: &'static str) {
        for ((_, framing), group) in &mut self.groups {
            send(&group.outgoing, *framing, &group.seats, &self.meters);
            group.outgoing.restart(self.at.clone());
            for seat in &mut group.seats {
                seat.from = 0;
            }
        }
        for connection in std::mem::take(&mut self.replays) {
            let Some(member) = self.members.get(&connection) else { continue };
            if let Following::Replay(subscription, _) = &member.following {
                self.follow(connection, Arc::clone(subscription), self.at.seq);
            }
        }
        for member in self.members.values().filter(|member| matches!(member.following, Following::Live(_))) {
            member.say(&ServerFrame::Reset { reason }, None);
        }
    }

    /// Sends what waits in the groups and may go out by now.
    fn flush(&mut self) {
        let now = Instant::now();
        if now < self.rested {
            return;
        }
        for ((_, framing), group) in &mut self.groups {
            if group.due(now).is_some_and(|due| due <= now) {
                send(&group.outgoing, *framing, &group.seats, &self.meters);
                if group.outgoing.has_events() {
                    group.flushed = Some(now);
                }
                group.outgoing.clear();
            }
        }
        // A write costs the system the same for one frame and for ten. Under load, what comes while we rest is sent together.
        self.rested = Instant::now() + (2 * now.elapsed()).min(LONGEST_REST);
    }

    /// Goes on with the replays of those who have read what they were sent: a replay is no backlog of a slow client.
    fn replay(&mut self) {
        for _ in 0..self.replays.len() {
            let Some(connection) = self.replays.pop_front() else { return };
            let Some(member) = self.members.get_mut(&connection) else { continue };
            let Following::Replay(subscription, had) = &mut member.following else { continue };
            if !member.writer.is_caught_up() {
                self.replays.push_back(connection);
                continue;
            }
            let subscription = Arc::clone(subscription);
            match self.hub.replay(had, &self.at, REPLAY) {
                Some(entries) => {
                    let mut outgoing = Outgoing::new(had.clone());
                    for entry in &entries {
                        outgoing.push(entry, &subscription);
                    }
                    for chunk in outgoing.frames(0).encode(member.framing, &member.user).chunks {
                        member.writer.send(chunk);
                    }
                    if let Some(last) = entries.last() {
                        *had = last.cursor.clone();
                    }
                    if had.seq < self.at.seq {
                        self.replays.push_back(connection);
                        continue;
                    }
                }
                // It read so slowly that the rest was forgotten.
                None => member.say(&ServerFrame::Reset { reason: "overrun" }, None),
            }
            let from = self.at.seq;
            self.follow(connection, subscription, from);
        }
    }

    /// A second has passed: heartbeats and pings for those whose turn it is, and an end for those long silent.
    fn tick(&mut self) {
        self.seconds += 1;
        let turn = self.seconds % HEARTBEAT;
        for member in self.members.values().filter(|member| member.connection % HEARTBEAT == turn) {
            if member.writer.idle_time() > SILENCE {
                member.writer.close_signal.send(Close::Silent);
                continue;
            }
            let cursor = match &member.following {
                Following::Live(subscription) => {
                    let group = self.groups.get(&(Arc::clone(subscription), member.framing));
                    group.and_then(|group| group.outgoing.cursor())
                }
                _ => None,
            };
            member.say(&ServerFrame::Heartbeat { cursor }, cursor);
            if member.framing == Framing::WebSocket {
                member.writer.send(Bytes::from_static(&websocket::PING_FRAME));
            }
        }
    }

    fn tell_online(&mut self) {
        let online = self.hub.published_online();
        if online != self.online {
            self.online = online;
            for member in self.members.values() {
                member.say(&ServerFrame::Presence { online }, None);
            }
        }
    }

    fn begin_drain(&mut self) {
        let order = self.members.keys().copied().collect();
        self.draining = Some(Drain { since: Instant::now(), order, done: 0 });
    }

    /// Sends away as many as the time that has passed asks for, so that clients do not all come back at once.
    fn go_on_draining(&mut self) {
        let Some(drain) = &mut self.draining else { return };
        let all = drain.order.len();
        let share = drain.since.elapsed().as_secs_f64() / self.drain.as_secs_f64().max(f64::EPSILON);
        let due = if share >= 1.0 { all } else { (share * all as f64) as usize + 1 };
        for connection in drain.order.iter().take(due).skip(drain.done) {
            if let Some(member) = self.members.get(connection) {
                member.writer.close_signal.send(Close::Restarting);
            }
        }
        drain.done = drain.done.max(due.min(all));
        if share >= 1.0 {
            // Whoever came while the door was closing.
            self.members.values().for_each(|member| member.writer.close_signal.send(Close::Restarting));
        }
    }
}

/// Sends what waits to those who have not had it: the same bytes to all, as far as they may see the same.
fn send(outgoing: &Outgoing, framing: Framing, seats: &[Seat], meters: &Meters) {
    let (Some(first), Some(any)) = (outgoing.first(), seats.first()) else { return };
    let frames = outgoing.frames(0);
    let shared = frames.are_for_all().then(|| frames.encode(framing, &any.user));
    let (mut sent, mut bytes) = (0, 0);
    for seat in seats {
        let own;
        let burst = match &shared {
            Some(shared) if seat.from < first => shared,
            _ => {
                let after = if seat.from < first { 0 } else { seat.from };
                own = outgoing.frames(after).encode(framing, &seat.user);
                &own
            }
        };
        for chunk in &burst.chunks {
            bytes += chunk.len();
            seat.writer.send(chunk.clone());
        }
        sent += burst.frames;
    }
    meters.frames.increment(sent as u64);
    meters.bytes.increment(bytes as u64);
    if let Some(oldest) = outgoing.oldest() {
        meters.lag.record(oldest.elapsed());
    }
}

#[cfg(test)]
mod tests;
