//! Outbox → Redis: committed items are numbered, appended to the stream and published, at least once and in outbox order.
//!
//! Entries from this process arrive in memory and are published without being read back; their rows are deleted shortly afterwards. The
//! publisher reads all other rows from the outbox: rows that did not fit into memory, rows left by a process that died, and messages from
//! notifiers. It selects rows with `SKIP LOCKED`, so that replicas share the work, and deletes them in the same transaction in which it
//! publishes them. If the process crashes after publishing but before the commit, the rows are published again, and readers drop the
//! duplicates. While Redis is unavailable, rows stay in the outbox.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use shared::feed::{EncodedBatch, FeedItem, WAKE_CHANNEL};
use shared::notification::Notification;
use shared::redis::{Redis, RedisState};
use sqlx::{PgConnection, PgPool};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::error::PublishError;
use super::feed_writer::FeedWriter;
use super::handoff::OutboxEntry;
use super::poison;
use super::restored::RestoreCheck;
use crate::readiness::Readiness;
use crate::store::events::list::{self, SearchableEvent};
use crate::store::outbox_rows::{self, PendingRow, Selection};

/// Maximum number of rows processed in one transaction.
const MAX_ROWS: i64 = 500;
/// Maximum number of entries published from memory in one call.
const MAX_ENTRIES: usize = 16;
/// Rows published within this interval are deleted together, since a separate delete for each commit would cost Postgres a tenth as much as
/// the commit itself.
const DELETE_DELAY: Duration = Duration::from_millis(50);
/// How often the outbox is polled if there is no wake-up.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The publisher. Each process has one.
pub(crate) struct Publisher {
    /// Connections shared by the writers and the publisher.
    pub(crate) pool: PgPool,
    pub(crate) redis: Redis,
    /// Learns which appends succeed.
    pub(crate) readiness: Arc<Readiness>,
    /// Wakes the publisher when another process or a handler has added rows to the outbox.
    pub(crate) wake: Arc<Notify>,
}

/// State of the publishing loop.
struct Progress {
    /// Maximum number of rows to process next. Halved after a rejection or failure, to isolate the faulty row or to find a batch size that
    /// works.
    limit: i64,
    /// False while publishing is failing, so that only transitions are logged.
    healthy: bool,
    /// When the outbox was last polled; `None` to poll immediately.
    polled: Option<Instant>,
    /// When rejected rows were last retried.
    retried: Instant,
    /// Rows that have been published but not yet deleted from the outbox.
    published: PublishedRows,
    restored: RestoreCheck,
}

impl Publisher {
    /// Publishes entries until `stop`, then publishes everything that is left and returns.
    pub(crate) async fn run(self, mut entries: mpsc::Receiver<OutboxEntry>, stop: CancellationToken) {
        let mut fresh = Vec::new();
        let mut feed = FeedWriter::new(self.redis.clone());
        let mut progress = Progress {
            limit: MAX_ROWS,
            healthy: true,
            polled: None,
            retried: Instant::now(),
            published: PublishedRows::default(),
            restored: RestoreCheck::default(),
        };
        loop {
            let stopping = stop.is_cancelled();
            while fresh.len() < MAX_ENTRIES
                && let Ok(next) = entries.try_recv()
            {
                fresh.push(next);
            }
            if !fresh.is_empty() {
                let outcome = publish(&mut feed, std::mem::take(&mut fresh)).await;
                self.observe(&outcome);
                log_transition(&outcome, &mut progress.healthy);
                progress.published.add(outcome.unwrap_or_default());
            }
            let polls = stopping || progress.polled.is_none_or(|polled| polled.elapsed() >= POLL_INTERVAL);
            if polls || progress.published.since.is_some_and(|since| since.elapsed() >= DELETE_DELAY) {
                self.delete_published(&mut progress).await;
            }
            if polls {
                if self.poll(&mut feed, &mut progress, stopping).await {
                    continue;
                }
                if stopping {
                    return;
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                Some(first) = entries.recv() => fresh.push(first),
                () = self.wake.notified() => progress.polled = None,
                () = tokio::time::sleep(if progress.published.since.is_some() { DELETE_DELAY } else { POLL_INTERVAL }) => {}
            }
        }
    }

    /// Records what an attempt to publish says about Redis.
    fn observe<T>(&self, outcome: &Result<T, PublishError>) {
        match outcome {
            Ok(_) => self.readiness.observe_redis(RedisState::Up),
            Err(PublishError::Redis(error)) => self.readiness.observe_redis(error.state()),
            Err(PublishError::Postgres(_)) => {}
        }
    }

    async fn delete_published(&self, progress: &mut Progress) {
        let published = std::mem::take(&mut progress.published);
        if published.ids.is_empty() {
            return;
        }
        let outcome = outbox_rows::delete_published(&self.pool, &published.ids).await.map_err(PublishError::from);
        // Success here does not mean that Redis is available.
        if outcome.is_err() {
            log_transition(&outcome, &mut progress.healthy);
        }
    }

    /// Publishes rows from the outbox. Returns true if more rows are pending.
    async fn poll(&self, feed: &mut FeedWriter, progress: &mut Progress, stopping: bool) -> bool {
        progress.polled = Some(Instant::now());
        if let Err(error) = progress.restored.run(&self.pool, feed).await {
            // Publishing below fails for the same reason, and reports it.
            tracing::debug!(%error, "whether the database was restored is not known");
        }
        let outcome = self.publish_rows(feed, progress.limit, if stopping { Selection::All } else { Selection::Orphaned }).await;
        let more = match &outcome {
            Ok(Round::Published(count)) => *count == progress.limit,
            Ok(Round::Refused) => true,
            Err(_) => false,
        };
        if !matches!(outcome, Ok(Round::Published(0))) {
            self.observe(&outcome);
        }
        let is_published = matches!(outcome, Ok(Round::Published(_)));
        progress.limit = if is_published { (progress.limit * 2).min(MAX_ROWS) } else { (progress.limit / 2).max(1) };
        log_transition(&outcome, &mut progress.healthy);
        if more {
            progress.polled = None;
        } else if !stopping && outcome.is_ok() && progress.retried.elapsed() >= POLL_INTERVAL {
            progress.retried = Instant::now();
            if let Err(error) = self.publish_rows(feed, 1, Selection::Refused).await {
                tracing::debug!(%error, "a rejected outbox row will be retried later");
            }
        }
        more
    }

    async fn publish_rows(&self, feed: &mut FeedWriter, limit: i64, selection: Selection) -> Result<Round, PublishError> {
        // Redis first, so that no transaction stays open while it is unavailable.
        feed.prepare().await?;
        let mut transaction = outbox_rows::begin(&self.pool).await?;
        let rows = outbox_rows::take(&mut transaction, limit, selection).await?;
        let mut published = 0;
        for row in &rows {
            let items = items(&mut transaction, row).await?;
            if let Err(error) = feed.append(&items).await {
                transaction.rollback().await?;
                if !error.is_about_the_command() {
                    return Err(error.into());
                }
                if let [row] = rows.as_slice() {
                    poison::record_failure(&self.pool, row, &items).await?;
                }
                return Ok(Round::Refused);
            }
            published += items.len();
        }
        transaction.commit().await?;
        metrics::counter!("ingest_relayed_total").increment(published as u64);
        Ok(Round::Published(i64::try_from(rows.len()).unwrap_or(MAX_ROWS)))
    }
}

enum Round {
    /// The number of published rows.
    Published(i64),
    /// Redis responded but rejected an item.
    Refused,
}

/// Rows that have been published but not yet deleted from the outbox.
#[derive(Debug, Default)]
struct PublishedRows {
    ids: Vec<i64>,
    /// When the first of these rows was published.
    since: Option<Instant>,
}

impl PublishedRows {
    fn add(&mut self, ids: Vec<i64>) {
        if !ids.is_empty() {
            self.since.get_or_insert_with(Instant::now);
        }
        self.ids.extend(ids);
    }
}

/// Publishes entries and returns their row ids. Entries that cannot be published stay in the outbox.
async fn publish(feed: &mut FeedWriter, entries: Vec<OutboxEntry>) -> Result<Vec<i64>, PublishError> {
    let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
    // The memory is released once everything has been published.
    let (mut items, mut memory) = (EncodedBatch::expecting(entries.len()), Vec::new());
    for entry in entries {
        items.append(entry.items);
        memory.push(entry.memory);
    }
    feed.append(&items).await?;
    metrics::counter!("ingest_relayed_total").increment(items.len() as u64);
    Ok(ids)
}

/// Logs when publishing starts to fail and when it recovers.
fn log_transition<T>(outcome: &Result<T, PublishError>, healthy: &mut bool) {
    match outcome {
        Err(error) if *healthy => {
            let source = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(source, "publishing is paused: {error}");
        }
        Ok(_) if !*healthy => tracing::info!("publishing resumed"),
        _ => {}
    }
    *healthy = outcome.is_ok();
}

/// Returns the items that a row refers to, sorted by id. Events that retention has dropped no longer have items.
async fn items(connection: &mut PgConnection, row: &PendingRow) -> Result<EncodedBatch, PublishError> {
    if let Some(item) = &row.item {
        return Ok(EncodedBatch::of(item)?);
    }
    let notifications = outbox_rows::notifications(connection, row).await?;
    let (Some(received_at), Some((first, last))) = (row.received_at, row.events) else {
        let mut items = EncodedBatch::expecting(notifications.len());
        for notification in notifications {
            items.push(&FeedItem::<String> { notification: Some(notification), ..FeedItem::default() })?;
        }
        return Ok(items);
    };
    let events = list::read_range(connection, received_at, first, last).await?;
    let mut notifications: HashMap<i64, Notification> =
        notifications.into_iter().filter_map(|notification| Some((notification.event_id?, notification))).collect();
    let mut items = EncodedBatch::expecting(events.len());
    for SearchableEvent { event, search } in events {
        let notification = notifications.remove(&event.id);
        items.push(&FeedItem { event: Some(event), search: Some(search), notification, ..FeedItem::default() })?;
    }
    Ok(items)
}

/// Forwards wake-ups from notifiers that have added rows to the outbox, until `stop`. If a wake-up is lost, polling finds the rows.
pub(crate) async fn listen_for_wakes(wake: Arc<Notify>, redis: Redis, stop: CancellationToken) {
    let listen = async {
        loop {
            if let Ok(mut messages) = redis.subscribe(&[WAKE_CHANNEL]).await {
                wake.notify_one();
                while messages.next().await.is_some() {
                    wake.notify_one();
                }
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = listen => {}
    }
}
