//! Receives the feed from Redis: entries arrive over two channels, and gaps are filled from the stream.
//!
//! After a gap in the numbers, a new connection or a batch that cannot be parsed, the subscriber reads the stream from the last
//! entry that it has. It does so as well if the stream has more than has arrived, which it asks every two seconds.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use redis::{AsyncCommands, Msg};
use shared::feed::{self, Cursor, FEED_CHANNEL, OPEN_CHANNEL, ReceivedBatch, SESSIONS_CHANNEL};
use shared::redis::{Connection, Error, Redis};
use shared::session::new_secret;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::fanout::hub::Hub;
use crate::feed::recent::Recent;

/// Number of batches read from the stream at a time.
const PAGE: usize = 200;
/// The interval between probes that we publish to ourselves.
const PROBE_INTERVAL: Duration = Duration::from_secs(2);
/// Number of unanswered probes after which the subscription is considered dead.
const MAX_PROBES: u32 = 5;
/// The delay before reconnecting, which doubles with each failure.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(3);

/// Why a connection was abandoned.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("subscribing failed")]
    Subscribe(#[source] Error),
    #[error("the subscription ended, or another server is the master")]
    Ended,
    #[error("the subscription is dead: probes do not arrive")]
    Silent,
    #[error("reading the stream failed")]
    Stream(#[from] Error),
}

/// Passes the feed to the hub.
pub struct FeedSubscriber {
    pub hub: Arc<Hub>,
    pub redis: Redis,
    /// Notified when a session may have ended.
    pub sessions_changed: Arc<Notify>,
}

impl FeedSubscriber {
    /// Receives the feed until `stop`, reconnecting as often as necessary.
    pub async fn run(self, stop: CancellationToken) {
        let forever = async {
            let mut pause = MIN_PAUSE;
            let mut logged = false;
            loop {
                let mut connected = false;
                let Err(lost) = self.receive(&mut connected).await;
                self.hub.set_live(false);
                metrics::counter!("notifier_redis_connections_lost_total").increment(1);
                if connected {
                    (pause, logged) = (MIN_PAUSE, false);
                }
                if !logged {
                    let source = std::error::Error::source(&lost).map(ToString::to_string);
                    tracing::warn!(source, "the live feed lost Redis: {lost}; reconnecting until it is available");
                    logged = true;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(MAX_PAUSE);
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = forever => {}
        }
    }

    /// Receives over one connection. Subscribes before reading the stream, so that no entry is missed in between.
    async fn receive(&self, connected: &mut bool) -> Result<std::convert::Infallible, Lost> {
        let probe_channel = format!("ml:probe:{}", new_secret().unwrap_or_default());
        let channels = [OPEN_CHANNEL, FEED_CHANNEL, SESSIONS_CHANNEL, &probe_channel];
        let mut messages = self.redis.subscribe(&channels).await.map_err(Lost::Subscribe)?;
        self.catch_up().await?;
        self.hub.set_live(true);
        self.sessions_changed.notify_one();
        *connected = true;
        tracing::info!("the live feed is connected");
        let mut unanswered_probes = 0;
        let mut next_probe = tokio::time::interval(PROBE_INTERVAL);
        next_probe.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = messages.next() => {
                    let message = message.ok_or(Lost::Ended)?;
                    match message.get_channel_name() {
                        SESSIONS_CHANNEL => self.sessions_changed.notify_one(),
                        channel if channel == probe_channel => {
                            unanswered_probes = 0;
                            self.hub.set_live(true);
                        }
                        _ => self.take(&message).await?,
                    }
                }
                _ = next_probe.tick() => {
                    if unanswered_probes > 0 {
                        self.hub.set_live(false);
                    }
                    if unanswered_probes >= MAX_PROBES {
                        return Err(Lost::Silent);
                    }
                    unanswered_probes += 1;
                    self.probe(&probe_channel).await?;
                }
            }
        }
    }

    /// Publishes a probe, and reads what the stream has beyond the last known entry. A node of a cluster confirms our probes even while it
    /// is cut off from the node on which ingest publishes, and what is published meanwhile never arrives.
    async fn probe(&self, channel: &str) -> Result<(), Lost> {
        let mut connection = self.redis.get().await?;
        let _receivers: i64 = connection.publish(channel, "probe").await.map_err(Error::from)?;
        let end = feed::end(&mut connection).await?;
        drop(connection);
        if self.hub.cursor() == Some(end) { Ok(()) } else { self.catch_up().await }
    }

    async fn take(&self, message: &Msg) -> Result<(), Lost> {
        // A message from another source, or items from a newer version: the stream shows whether entries are missing.
        let batch = ReceivedBatch::from_message(message.get_payload_bytes()).filter(|batch| batch.unreadable == 0);
        if batch.is_some_and(|batch| self.hub.offer(batch)) { Ok(()) } else { self.catch_up().await }
    }

    /// Reads the stream from the last known entry to its end. Resets the hub if the stream does not continue from that entry.
    async fn catch_up(&self) -> Result<(), Lost> {
        let mut connection = self.redis.get().await?;
        let Some(mut cursor) = self.hub.cursor() else { return self.start(&mut connection).await };
        loop {
            let page = feed::read(&mut connection, cursor.seq, PAGE).await?;
            if page.end.epoch != cursor.epoch {
                cursor = Cursor { epoch: page.end.epoch, seq: 0 };
                self.hub.reset(cursor.clone(), "epoch");
                continue;
            }
            if page.end.seq < cursor.seq {
                cursor = page.end;
                self.hub.reset(cursor.clone(), "history_lost");
                continue;
            }
            if page.runs.is_empty() {
                if cursor.seq < page.end.seq {
                    self.hub.reset(page.end, "trimmed");
                }
                return Ok(());
            }
            for batch in page.runs {
                if batch.after.seq > cursor.seq {
                    self.hub.reset(batch.after.clone(), "trimmed");
                }
                if batch.unreadable > 0 {
                    self.hub.announce_reset("unreadable");
                }
                cursor.seq = batch.last();
                self.hub.offer(batch);
            }
        }
    }

    /// Reads the entries that clients can resume from. The hub rejects connections until all of them have been read.
    async fn start(&self, connection: &mut Connection) -> Result<(), Lost> {
        let end = feed::end(connection).await?;
        let keep = self.redis.feed_keep();
        let mut recent = Recent::new(Cursor { seq: end.seq.saturating_sub(keep as u64), epoch: end.epoch }, keep);
        loop {
            let page = feed::read(connection, recent.cursor().seq, PAGE).await?;
            if page.end.epoch != recent.cursor().epoch {
                recent = Recent::new(Cursor { epoch: page.end.epoch, seq: 0 }, keep);
                continue;
            }
            if page.runs.is_empty() {
                if recent.cursor().seq != page.end.seq {
                    recent = Recent::new(page.end, keep);
                }
                self.hub.start(recent);
                return Ok(());
            }
            for batch in page.runs {
                if batch.after.seq > recent.cursor().seq {
                    recent = Recent::new(batch.after.clone(), keep);
                }
                recent.offer(batch);
            }
        }
    }
}
