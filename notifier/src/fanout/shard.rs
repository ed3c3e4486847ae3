//! A shard is a task that serves a subset of the connections. It polls the hub for entries and sends them to groups of
//! connections with the same subscription.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use shared::feed::Cursor;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::fanout::command::{COMMAND_QUEUE, Command, Member, MemberState};
use crate::fanout::drain::Drain;
use crate::fanout::framing::Framing;
use crate::fanout::group::{Group, ShardMetrics, Subscriber};
use crate::fanout::hub::Hub;
use crate::fanout::outgoing::Outgoing;
use crate::fanout::protocol::{Close, Online, ServerFrame};
use crate::fanout::subscription::Subscription;
use crate::feed::history::Poll;
use crate::transport::websocket;

const SECOND: Duration = Duration::from_secs(1);
/// Seconds between heartbeats on a connection. Websockets also receive a ping with each heartbeat.
const HEARTBEAT_SECONDS: u64 = 25;
/// A websocket client that has sent nothing for this long, not even a pong, is disconnected when its next heartbeat is due.
/// This happens within 60 s of its last pong.
const IDLE_LIMIT: Duration = Duration::from_secs(40);
/// Maximum number of entries replayed to one client at a time.
const REPLAY_LIMIT: usize = 500;
/// Maximum pause after sending. A shard pauses for twice as long as sending took.
const MAX_PAUSE: Duration = Duration::from_millis(50);
/// The interval between steps of a replay or drain.
const STEP: Duration = Duration::from_millis(10);

type GroupKey = (Arc<Subscription>, Framing);

/// A subset of the connections.
pub struct Shard {
    hub: Arc<Hub>,
    commands: mpsc::Receiver<Command>,
    changes: watch::Receiver<()>,
    /// Cancelled on shutdown; connections are then closed gradually over the drain time.
    stop: CancellationToken,
    drain_time: Duration,
    drain: Option<Drain>,
    /// Every entry up to this cursor has been passed to the groups.
    cursor: Cursor,
    /// How many feed resets have been handled.
    resets: u64,
    members: HashMap<u64, Member>,
    groups: HashMap<GroupKey, Group>,
    /// Connections that are being sent missed entries, in round-robin order.
    replays: VecDeque<u64>,
    /// Nothing is sent to groups before this time.
    next_flush: Instant,
    /// The value that was last announced to clients.
    online: Online,
    seconds: u64,
    metrics: ShardMetrics,
}

impl Shard {
    /// Creates a shard without connections.
    pub fn new(hub: Arc<Hub>, commands: mpsc::Receiver<Command>, stop: CancellationToken, drain_time: Duration) -> Self {
        Self {
            changes: hub.changes(),
            hub,
            commands,
            stop,
            drain_time,
            drain: None,
            cursor: Cursor { epoch: "".into(), seq: 0 },
            resets: 0,
            members: HashMap::new(),
            groups: HashMap::new(),
            replays: VecDeque::new(),
            next_flush: Instant::now(),
            online: Online::default(),
            seconds: 0,
            metrics: ShardMetrics::default(),
        }
    }

    /// Serves until `stop` has been cancelled and the last connection is closed.
    pub async fn run(mut self) {
        let mut second = tokio::time::interval_at(Instant::now() + SECOND, SECOND);
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut more = false;
        while !(self.drain.is_some() && self.members.is_empty()) {
            let wake = self.next_wake();
            tokio::select! {
                () = std::future::ready(()), if more => {}
                Some(command) = self.commands.recv() => self.handle(command),
                Ok(()) = self.changes.changed() => {}
                _ = second.tick() => self.tick(),
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
                () = self.stop.cancelled(), if self.drain.is_none() => self.start_drain(),
            }
            for _ in 0..COMMAND_QUEUE {
                let Ok(command) = self.commands.try_recv() else { break };
                self.handle(command);
            }
            more = self.poll();
            self.flush();
            self.continue_replays();
            self.announce_online();
            self.continue_drain();
            tokio::task::yield_now().await;
        }
    }

    /// The next time when there is work to do even if no command or change arrives.
    fn next_wake(&self) -> Option<Instant> {
        let now = Instant::now();
        let has_steps = !self.replays.is_empty() || self.drain.is_some();
        let step = has_steps.then(|| now + STEP);
        let soonest = now.max(self.next_flush);
        self.groups.values().filter_map(|group| group.due(soonest)).chain(step).min()
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Join(member) => {
                self.members.insert(member.connection, member);
            }
            Command::Leave(connection) => {
                self.unsubscribe(connection);
                self.members.remove(&connection);
            }
            Command::Subscribe { connection, subscription, after } => self.subscribe(connection, subscription, after),
        }
    }

    /// Resumes after `after` if every entry since then is still available; otherwise the response makes the client fetch over HTTP.
    fn subscribe(&mut self, connection: u64, subscription: Arc<Subscription>, after: Option<Cursor>) {
        while self.poll() {}
        self.unsubscribe(connection);
        let (hub, cursor) = (Arc::clone(&self.hub), self.cursor.clone());
        // A client that was connected to another replica may have seen entries that this one has not received yet.
        let is_ahead = |after: &Cursor| after.epoch == cursor.epoch && after.seq > cursor.seq;
        let after = after.filter(|after| is_ahead(after) || hub.replay(after, &cursor, 0).is_some());
        let recovered = after.is_some();
        let source = if recovered { "memory" } else { "refetch" };
        metrics::counter!("notifier_subscriptions_total", "resumed_from" => source).increment(1);
        let after = after.unwrap_or_else(|| cursor.clone());
        let Some(member) = self.members.get_mut(&connection) else { return };
        member.send(&ServerFrame::Subscribed { cursor: &after, recovered }, Some(&after));
        if after.seq < cursor.seq {
            member.state = MemberState::Replaying(subscription, after);
            self.replays.push_back(connection);
        } else {
            self.join_group(connection, subscription, after.seq);
        }
    }

    /// Adds a connection to its group. The connection has already seen every entry up to sequence number `seen`.
    fn join_group(&mut self, connection: u64, subscription: Arc<Subscription>, seen: u64) {
        let Some(member) = self.members.get_mut(&connection) else { return };
        let (user, writer) = (Arc::clone(&member.user), Arc::clone(&member.writer));
        let key = (Arc::clone(&subscription), member.framing);
        let group = self
            .groups
            .entry(key)
            .or_insert_with(|| Group::new(member.framing, self.cursor.clone(), subscription.masking.clone()));
        group.add(Subscriber { connection, user, writer, seen });
        member.state = MemberState::Live(subscription);
    }

    /// Ends a connection's subscription after sending it the pending entries of its group.
    fn unsubscribe(&mut self, connection: u64) {
        let Some(member) = self.members.get_mut(&connection) else { return };
        match std::mem::replace(&mut member.state, MemberState::Unsubscribed) {
            MemberState::Unsubscribed => {}
            MemberState::Replaying(..) => self.replays.retain(|replaying| *replaying != connection),
            MemberState::Live(subscription) => {
                let key = (subscription, member.framing);
                let Some(group) = self.groups.get_mut(&key) else { return };
                group.remove(connection, &self.metrics);
                if group.is_empty() {
                    self.groups.remove(&key);
                }
            }
        }
    }

    /// Passes new entries to the groups. Returns true if there may be more.
    fn poll(&mut self) -> bool {
        match self.hub.poll(&self.cursor, self.resets) {
            Poll::Entries(entries) => {
                for entry in &entries {
                    for ((subscription, _), group) in &mut self.groups {
                        group.outgoing.push(entry, subscription);
                    }
                }
                if let Some(last) = entries.last() {
                    self.cursor = last.cursor.clone();
                }
                !entries.is_empty()
            }
            // The first poll after the feed has been read also returns a reset, but no client is subscribed at that point.
            Poll::Reset { at, reason, resets } => {
                (self.cursor, self.resets) = (at, resets);
                self.reset(reason);
                true
            }
        }
    }

    /// Sends the pending entries and notifies every subscribed client to fetch again.
    fn reset(&mut self, reason: &'static str) {
        for group in self.groups.values_mut() {
            group.restart(self.cursor.clone(), &self.metrics);
        }
        for connection in std::mem::take(&mut self.replays) {
            let Some(member) = self.members.get(&connection) else { continue };
            if let MemberState::Replaying(subscription, _) = &member.state {
                self.join_group(connection, Arc::clone(subscription), self.cursor.seq);
            }
        }
        for member in self.members.values().filter(|member| matches!(member.state, MemberState::Live(_))) {
            member.send(&ServerFrame::Reset { reason }, None);
        }
    }

    /// Sends the pending entries of the groups that are due.
    fn flush(&mut self) {
        let now = Instant::now();
        if now < self.next_flush {
            return;
        }
        for group in self.groups.values_mut() {
            if group.due(now).is_some_and(|due| due <= now) {
                group.flush(now, &self.metrics);
            }
        }
        // A write of ten frames costs the kernel the same as a write of one. Under load, the pause combines frames into one write.
        self.next_flush = Instant::now() + (2 * now.elapsed()).min(MAX_PAUSE);
    }

    /// Continues replays for clients that have read everything sent so far, so that a replay never fills a client's backlog.
    fn continue_replays(&mut self) {
        for _ in 0..self.replays.len() {
            let Some(connection) = self.replays.pop_front() else { return };
            let Some(member) = self.members.get_mut(&connection) else { continue };
            let MemberState::Replaying(subscription, replayed) = &mut member.state else { continue };
            if !member.writer.is_caught_up() {
                self.replays.push_back(connection);
                continue;
            }
            let subscription = Arc::clone(subscription);
            match self.hub.replay(replayed, &self.cursor, REPLAY_LIMIT) {
                Some(entries) => {
                    let mut outgoing = Outgoing::new(replayed.clone(), subscription.masking.clone());
                    for entry in &entries {
                        outgoing.push(entry, &subscription);
                    }
                    for chunk in outgoing.frames(0).encode(member.framing, &member.user).chunks {
                        member.writer.send(chunk);
                    }
                    if let Some(last) = entries.last() {
                        *replayed = last.cursor.clone();
                    }
                    if replayed.seq < self.cursor.seq {
                        self.replays.push_back(connection);
                        continue;
                    }
                }
                // The client read so slowly that the remaining entries are no longer kept.
                None => member.send(&ServerFrame::Reset { reason: "overrun" }, None),
            }
            let seen = self.cursor.seq;
            self.join_group(connection, subscription, seen);
        }
    }

    /// Runs every second: sends heartbeats and pings to one in 25 connections, and closes idle connections among them.
    fn tick(&mut self) {
        self.seconds += 1;
        let turn = self.seconds % HEARTBEAT_SECONDS;
        for member in self.members.values().filter(|member| member.connection % HEARTBEAT_SECONDS == turn) {
            if member.writer.idle_time() > IDLE_LIMIT {
                member.writer.close_signal.send(Close::Silent);
                continue;
            }
            let cursor = match &member.state {
                MemberState::Live(subscription) => {
                    let group = self.groups.get(&(Arc::clone(subscription), member.framing));
                    group.and_then(|group| group.outgoing.cursor())
                }
                _ => None,
            };
            member.send(&ServerFrame::Heartbeat { cursor }, cursor);
            if member.framing == Framing::WebSocket {
                member.writer.send(Bytes::from_static(&websocket::PING_FRAME));
            }
        }
    }

    fn announce_online(&mut self) {
        let online = self.hub.published_online();
        if online != self.online {
            self.online = online;
            for member in self.members.values() {
                member.send(&ServerFrame::Presence { online }, None);
            }
        }
    }

    fn start_drain(&mut self) {
        self.drain = Some(Drain::start(self.members.keys().copied().collect(), self.drain_time));
    }

    fn continue_drain(&mut self) {
        let Some(drain) = &mut self.drain else { return };
        for connection in drain.take_due() {
            if let Some(member) = self.members.get(connection) {
                member.writer.close_signal.send(Close::Restarting);
            }
        }
        if drain.is_over() {
            // This includes connections that were opened after the drain started.
            self.members.values().for_each(|member| member.writer.close_signal.send(Close::Restarting));
        }
    }
}

#[cfg(test)]
mod tests;
