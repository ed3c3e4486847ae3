//! Redis → here. Live entries come over two channels; a hole in their numbers, a new connection or a probe that does not come
//! back means: read the stream from the last number that was relayed.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::Pool;
use futures::StreamExt;
use redis::{AsyncCommands, Msg, RedisError};
use shared::config;
use shared::feed::{self, Cursor, FEED_CHANNEL, KEEP, OPEN_CHANNEL, ReceivedBatch, SESSIONS_CHANNEL};
use shared::session::new_secret;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::fanout::hub::Hub;
use crate::feed::recent::Recent;

/// Runs read from the stream at once.
const PAGE: usize = 200;
/// How often a probe goes round.
const PROBE_EVERY: Duration = Duration::from_secs(5);
/// Probes that may be on their way before the subscription counts as dead.
const PROBES_LOST: u32 = 2;
/// The first and the longest pause before connecting again.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Why a connection was given up.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("the subscription could not be made")]
    Subscribe(#[source] RedisError),
    #[error("the subscription ended")]
    Ended,
    #[error("the subscription is silent: probes do not come back")]
    Silent,
    #[error("the stream could not be read")]
    Stream(#[from] shared::redis::Error),
}

/// What carries the feed here.
pub struct Subscriber {
    /// Where entries go.
    pub hub: Arc<Hub>,
    /// For reading the stream, and for probes.
    pub pool: Pool,
    /// For the connection that listens.
    pub config: config::Redis,
    /// Woken when sessions may have ended.
    pub sessions_changed: Arc<Notify>,
}

impl Subscriber {
    /// Keeps the feed coming until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let forever = async {
            let mut pause = PAUSE;
            let mut told = false;
            loop {
                let mut reached = false;
                let Err(lost) = self.listen(&mut reached).await;
                self.hub.set_live(false);
                metrics::counter!("notifier_redis_connections_lost_total").increment(1);
                if reached {
                    (pause, told) = (PAUSE, false);
                }
                if !told {
                    let source = std::error::Error::source(&lost).map(ToString::to_string);
                    tracing::warn!(source, "Redis is lost: {lost}; connecting again until it is back");
                    told = true;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = forever => {}
        }
    }

    /// One connection's life. Subscribes first and reads the stream then, so that nothing falls between.
    async fn listen(&self, reached: &mut bool) -> Result<std::convert::Infallible, Lost> {
        let probe = format!("ml:probe:{}", new_secret().unwrap_or_default());
        let channels = [OPEN_CHANNEL, FEED_CHANNEL, SESSIONS_CHANNEL, &probe];
        let subscription = shared::redis::subscribe(&self.config, &channels).await.map_err(Lost::Subscribe)?;
        let mut messages = subscription.into_on_message();
        self.catch_up().await?;
        self.hub.set_live(true);
        self.sessions_changed.notify_one();
        *reached = true;
        tracing::info!("the live feed is connected");
        let mut probes_out = 0;
        let mut next_probe = tokio::time::interval(PROBE_EVERY);
        next_probe.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = messages.next() => {
                    let message = message.ok_or(Lost::Ended)?;
                    match message.get_channel_name() {
                        SESSIONS_CHANNEL => self.sessions_changed.notify_one(),
                        channel if channel == probe => {
                            probes_out = 0;
                            self.hub.set_live(true);
                        }
                        _ => self.take(&message).await?,
                    }
                }
                _ = next_probe.tick() => {
                    if probes_out > 0 {
                        self.hub.set_live(false);
                    }
                    if probes_out >= PROBES_LOST {
                        return Err(Lost::Silent);
                    }
                    probes_out += 1;
                    self.send_probe(&probe).await?;
                }
            }
        }
    }

    async fn send_probe(&self, channel: &str) -> Result<(), Lost> {
        let mut connection = self.pool.get().await.map_err(shared::redis::Error::from)?;
        let _receivers: i64 = connection.publish(channel, "probe").await.map_err(shared::redis::Error::from)?;
        Ok(())
    }

    async fn take(&self, message: &Msg) -> Result<(), Lost> {
        // Something else on our channel, or items of a newer version: the stream tells whether a number is missing.
        let run = ReceivedBatch::from_message(message.get_payload_bytes()).filter(|run| run.unreadable == 0);
        if run.is_some_and(|run| self.hub.offer(run)) { Ok(()) } else { self.catch_up().await }
    }

    /// Reads the stream from the last number relayed to its end. Where it does not connect, says so to everybody.
    async fn catch_up(&self) -> Result<(), Lost> {
        let mut connection = self.pool.get().await.map_err(shared::redis::Error::from)?;
        let Some(mut known) = self.hub.cursor() else { return self.begin(&mut connection).await };
        loop {
            let page = feed::read(&mut connection, known.seq, PAGE).await?;
            if page.end.epoch != known.epoch {
                known = Cursor { epoch: page.end.epoch, seq: 0 };
                self.hub.reset(known.clone(), "epoch");
                continue;
            }
            if page.end.seq < known.seq {
                known = page.end;
                self.hub.reset(known.clone(), "history_lost");
                continue;
            }
            if page.runs.is_empty() {
                if known.seq < page.end.seq {
                    self.hub.reset(page.end, "trimmed");
                }
                return Ok(());
            }
            for run in page.runs {
                if run.after.seq > known.seq {
                    self.hub.reset(run.after.clone(), "trimmed");
                }
                if run.unreadable > 0 {
                    self.hub.announce_reset("unreadable");
                }
                known.seq = run.last();
                self.hub.offer(run);
            }
        }
    }

    /// The first time: remembers what clients may want to resume from, and lets nobody in before all of it is here.
    async fn begin(&self, connection: &mut deadpool_redis::Connection) -> Result<(), Lost> {
        let end = feed::end(connection).await?;
        let mut recent = Recent::new(Cursor { seq: end.seq.saturating_sub(KEEP as u64), epoch: end.epoch });
        loop {
            let page = feed::read(connection, recent.cursor().seq, PAGE).await?;
            if page.end.epoch != recent.cursor().epoch {
                recent = Recent::new(Cursor { epoch: page.end.epoch, seq: 0 });
                continue;
            }
            if page.runs.is_empty() {
                if recent.cursor().seq != page.end.seq {
                    recent = Recent::new(page.end);
                }
                self.hub.start(recent);
                return Ok(());
            }
            for run in page.runs {
                if run.after.seq > recent.cursor().seq {
                    recent = Recent::new(run.after.clone());
                }
                recent.offer(run);
            }
        }
    }
}
