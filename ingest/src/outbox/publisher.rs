//! Outbox → Redis: what was committed is numbered, remembered and published, at least once and in the outbox's order.
//!
//! What a writer of this process has just committed comes with its items, is published without being read back, and soon deleted. What
//! did not come that way (too much at once, another process that died, messages of notifiers) is found in the outbox: rows are taken
//! with `SKIP LOCKED`, so that replicas share the work, and deleted in the transaction that publishes them. A crash between the two
//! publishes again, and readers drop what they have seen. While Redis is away rows wait.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::value::RawValue;
use shared::config;
use shared::event::Event;
use shared::feed::{self, EncodedBatch, FeedItem, WAKE_CHANNEL};
use shared::notification::{Notification, Sender};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use time::OffsetDateTime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::outbox::handoff::Announcement;
use crate::state::AppState;
use crate::store::quarantine;
use crate::webhook::batch::{Origin, Poison};
use crate::webhook::queue::Source;

/// Rows of the outbox taken in one transaction, at most.
const BATCH: i64 = 500;
/// Items that they announce, at most, unless a single row announces more.
const MOST_ITEMS: i64 = 2_000;
/// Commits published from memory at once, at most.
const MOST_ANNOUNCEMENTS: usize = 16;
/// What was published in this time is taken off the outbox together: a statement for each commit would cost Postgres a tenth of it.
const GATHER: Duration = Duration::from_millis(50);
/// How often the outbox is looked at when nobody wakes us.
const POLL: Duration = Duration::from_secs(1);
/// Failures of a row, while Redis answers, after which it moves to quarantine.
const MOST_ATTEMPTS: i16 = 20;

/// Why a round of relaying did not work.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error("Postgres failed")]
    Postgres(#[from] sqlx::Error),
    #[error("Redis failed")]
    Redis(#[from] shared::redis::Error),
}

/// Which rows a round takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// Those that were never refused, and that nobody is about to publish from memory.
    Left,
    /// All that were never refused.
    All,
    /// Those that Redis refused, one by one and now and then.
    Refused,
}

/// Relays until `stop`, and then once more what is there.
pub(crate) async fn run(state: Arc<AppState>, mut announced: mpsc::Receiver<Announcement>, stop: CancellationToken) {
    let mut size = BATCH;
    let mut healthy = true;
    let (mut looked, mut retried) = (None::<Instant>, Instant::now());
    let (mut fresh, mut published) = (Vec::new(), Published::default());
    let mut redis = Kept { pool: state.redis.clone(), last: None };
    loop {
        let stopping = stop.is_cancelled();
        while fresh.len() < MOST_ANNOUNCEMENTS
            && let Ok(next) = announced.try_recv()
        {
            fresh.push(next);
        }
        if !fresh.is_empty() {
            let outcome = publish(&mut redis, std::mem::take(&mut fresh)).await;
            note(&outcome, &mut healthy);
            published.add(outcome.unwrap_or_default());
        }
        let looks = stopping || looked.is_none_or(|looked| looked.elapsed() >= POLL);
        if looks || published.since.is_some_and(|since| since.elapsed() >= GATHER) {
            let outcome = take_off(&state, std::mem::take(&mut published)).await;
            // That it worked says nothing of Redis.
            if outcome.is_err() {
                note(&outcome, &mut healthy);
            }
        }
        if looks {
            looked = Some(Instant::now());
            let outcome = round(&state, size, if stopping { Rows::All } else { Rows::Left }).await;
            let more = match &outcome {
                Ok(Round::Relayed(count)) => *count == size,
                Ok(Round::Refused) => true,
                Err(_) => false,
            };
            // What is refused, or takes too long, is tried by halves: the row at fault is found, or the batch that fits.
            size = if matches!(outcome, Ok(Round::Relayed(_))) { (size * 2).min(BATCH) } else { (size / 2).max(1) };
            note(&outcome, &mut healthy);
            if more {
                looked = None;
                continue;
            }
            if stopping {
                return;
            }
            if outcome.is_ok() && retried.elapsed() >= POLL {
                retried = Instant::now();
                if let Err(error) = round(&state, 1, Rows::Refused).await {
                    tracing::debug!(%error, "a refused row waits");
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            Some(first) = announced.recv() => fresh.push(first),
            () = state.outbox_filled.notified() => looked = None,
            () = tokio::time::sleep(if published.since.is_some() { GATHER } else { POLL }) => {}
        }
    }
}

/// Rows that were published, and are still in the outbox.
#[derive(Debug, Default)]
struct Published {
    ids: Vec<i64>,
    /// When the first of them was.
    since: Option<Instant>,
}

impl Published {
    fn add(&mut self, ids: Vec<i64>) {
        if !ids.is_empty() {
            self.since.get_or_insert_with(Instant::now);
        }
        self.ids.extend(ids);
    }
}

/// A transaction that takes rows off the outbox. Were its commit lost in a crash, they would be published again, which
/// readers forgive; so it does not wait for the disk.
async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query!("set local synchronous_commit = off").execute(&mut *transaction).await?;
    Ok(transaction)
}

/// The connection over which commits are published. The pool asks whether one still stands each time that it hands it out, a second
/// round trip for each commit; this one is asked nothing, and replaced once it fails.
struct Kept {
    pool: deadpool_redis::Pool,
    last: Option<deadpool_redis::Connection>,
}

impl Kept {
    async fn append(&mut self, items: &EncodedBatch) -> Result<(), shared::redis::Error> {
        if let Some(mut connection) = self.last.take() {
            match feed::append(&mut connection, items).await {
                // It was closed meanwhile, as by a restart.
                Err(error) if !error.is_about_the_command() => {}
                outcome => {
                    self.last = Some(connection);
                    return outcome;
                }
            }
        }
        let mut connection = self.pool.get().await?;
        feed::append(&mut connection, items).await?;
        self.last = Some(connection);
        Ok(())
    }
}

/// Publishes what was just committed here, and gives its rows. What fails stays in the outbox.
async fn publish(redis: &mut Kept, fresh: Vec<Announcement>) -> Result<Vec<i64>, RelayError> {
    let ids: Vec<i64> = fresh.iter().map(|one| one.outbox_id).collect();
    // Their places in memory are held until all is published.
    let (mut items, mut places) = (EncodedBatch::expecting(fresh.len()), Vec::new());
    for one in fresh {
        items.append(one.items);
        places.push(one.place);
    }
    redis.append(&items).await?;
    metrics::counter!("ingest_relayed_total").increment(items.len() as u64);
    Ok(ids)
}

/// Takes off the outbox what was published, in a statement that does not wait for the disk. Were that lost, or had another replica taken a
/// row that waited for a second, it would be published twice, which readers forgive.
async fn take_off(state: &AppState, published: Published) -> Result<(), RelayError> {
    if published.ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with unsynced as (select set_config('synchronous_commit', 'off', true))
         delete from outbox using unsynced where id = any($1)",
        &published.ids
    )
    .execute(&state.writing)
    .await?;
    Ok(())
}

/// Logs when relaying begins to wait, and when it goes on.
fn note<T>(outcome: &Result<T, RelayError>, healthy: &mut bool) {
    match outcome {
        Err(error) if *healthy => {
            let source = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(source, "relaying waits: {error}");
        }
        Ok(_) if !*healthy => tracing::info!("relaying goes on"),
        _ => {}
    }
    *healthy = outcome.is_ok();
}

/// Passes on the wake-ups that notifiers send after filling the outbox, until `stop`. Without them the poll finds the rows.
pub async fn listen_for_wakes(state: Arc<AppState>, config: config::Redis, stop: CancellationToken) {
    let listen = async {
        loop {
            if let Ok(subscription) = shared::redis::subscribe(&config, &[WAKE_CHANNEL]).await {
                state.outbox_filled.notify_one();
                let mut messages = subscription.into_on_message();
                while messages.next().await.is_some() {
                    state.outbox_filled.notify_one();
                }
            }
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = listen => {}
    }
}

enum Round {
    /// So many rows were published.
    Relayed(i64),
    /// Redis answered, and refused.
    Refused,
}

/// A row of the outbox: a run of events with their notifications, or one notification alone.
struct Run {
    id: i64,
    attempts: i16,
    received_at: Option<OffsetDateTime>,
    events: Option<(i64, i64)>,
    notifications: Option<(i64, i64)>,
}

async fn round(state: &AppState, size: i64, rows: Rows) -> Result<Round, RelayError> {
    // First, so that no transaction waits for a Redis that is away.
    let mut redis = state.redis.get().await.map_err(shared::redis::Error::from)?;
    let mut transaction = begin(&state.writing).await?;
    let runs = take(&mut transaction, size, rows).await?;
    let mut relayed = 0;
    for run in &runs {
        let items = items(&mut transaction, run).await?;
        if let Err(error) = feed::append(&mut redis, &items).await {
            transaction.rollback().await?;
            if !error.is_about_the_command() {
                return Err(error.into());
            }
            if let [run] = runs.as_slice() {
                count_failure(&state.writing, run, &items).await?;
            }
            return Ok(Round::Refused);
        }
        relayed += items.len();
    }
    transaction.commit().await?;
    metrics::counter!("ingest_relayed_total").increment(relayed as u64);
    Ok(Round::Relayed(i64::try_from(runs.len()).unwrap_or(BATCH)))
}

/// Takes rows off the outbox, up to `MOST_ITEMS` of what they announce; they come back if the transaction does not commit.
async fn take(connection: &mut PgConnection, size: i64, rows: Rows) -> Result<Vec<Run>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"with next as (
             select id, items from outbox
             where case when $2 then attempts > 0 else attempts = 0 end
               and ($2 or $4 or event_id is null or created_at < now() - interval '1 second')
             order by id limit $1 for update skip locked
           ), few as (
             select id, sum(items) over (order by id) - items as before from next
           )
           delete from outbox where id in (select id from few where before < $3)
           returning id, attempts, event_received_at, event_id, last_event_id, notification_id, last_notification_id"#,
        size,
        rows == Rows::Refused,
        MOST_ITEMS,
        rows == Rows::All
    )
    .fetch_all(connection)
    .await?;
    let range = |first: Option<i64>, last: Option<i64>| first.map(|first| (first, last.unwrap_or(first)));
    let mut runs: Vec<Run> = rows
        .into_iter()
        .map(|row| Run {
            id: row.id,
            attempts: row.attempts,
            received_at: row.event_received_at,
            events: range(row.event_id, row.last_event_id),
            notifications: range(row.notification_id, row.last_notification_id),
        })
        .collect();
    runs.sort_unstable_by_key(|run| run.id);
    Ok(runs)
}

/// What a run announces, in the order of its ids. What retention dropped meanwhile has nothing left to tell.
async fn items(connection: &mut PgConnection, run: &Run) -> Result<EncodedBatch, RelayError> {
    let mut told = notifications(connection, run).await?;
    let (Some(received_at), Some((first, last))) = (run.received_at, run.events) else {
        let mut items = EncodedBatch::expecting(told.len());
        for notification in told {
            items.push(&FeedItem { event: None, search: None::<String>, notification: Some(notification), read: None })?;
        }
        return Ok(items);
    };
    let rows = sqlx::query!(
        r#"select id, kind, occurred_at, received_at, message_id, recipient, sender, subject, tags,
                  metadata as "metadata: Json<Box<RawValue>>", template, subaccount, url, ip, user_agent, country, city,
                  diagnostic, simulated, webhook, erased_at, search
           from events where received_at = $1 and id between $2 and $3 order by id"#,
        received_at,
        first,
        last
    )
    .fetch_all(connection)
    .await?;
    let mut told: HashMap<i64, Notification> =
        told.drain(..).filter_map(|notification| Some((notification.event_id?, notification))).collect();
    let mut items = EncodedBatch::expecting(rows.len());
    for row in rows {
        let event = Event {
            id: row.id,
            kind: row.kind,
            occurred_at: row.occurred_at,
            received_at: row.received_at,
            message_id: row.message_id,
            recipient: row.recipient,
            sender: row.sender,
            subject: row.subject,
            tags: row.tags,
            metadata: row.metadata,
            template: row.template,
            subaccount: row.subaccount,
            url: row.url,
            ip: row.ip,
            user_agent: row.user_agent,
            country: row.country,
            city: row.city,
            diagnostic: row.diagnostic,
            simulated: row.simulated,
            webhook: row.webhook,
            erased_at: row.erased_at,
        };
        items.push(&FeedItem {
            notification: told.remove(&event.id),
            event: Some(event),
            search: Some(row.search),
            read: None,
        })?;
    }
    Ok(items)
}

/// The notifications of a run. Ids of others may lie between them: only the run's own events', or the one that was named.
async fn notifications(connection: &mut PgConnection, run: &Run) -> Result<Vec<Notification>, sqlx::Error> {
    let Some((first, last)) = run.notifications else { return Ok(Vec::new()) };
    let rows = sqlx::query!(
        r#"select told.id, kind, title, body, event_id, message_id, recipient, audience, told.created_at, sender_id,
                  users.email as "sender?"
           from notifications told left join users on users.id = sender_id
           where told.id between $1 and $2 and (told.id = $1 or told.event_id between $3 and $4)
           order by told.id"#,
        first,
        last,
        run.events.map(|(first, _)| first),
        run.events.map(|(_, last)| last)
    )
    .fetch_all(connection)
    .await?;
    let read = rows.into_iter().filter_map(|row| {
        Some(Notification {
            id: row.id,
            kind: row.kind,
            title: row.title,
            body: row.body,
            event_id: row.event_id,
            message_id: row.message_id,
            recipient: row.recipient,
            from: row.sender_id.zip(row.sender).map(|(id, email)| Sender { id, email }),
            to: row.audience.parse().ok()?,
            at: row.created_at,
        })
    });
    Ok(read.collect())
}

/// A row that Redis refuses is parted in two, until the item at fault is alone. That one must not be tried for ever, nor get
/// lost: in the end it is kept apart.
async fn count_failure(pool: &PgPool, run: &Run, items: &EncodedBatch) -> Result<(), RelayError> {
    if let Some((first, last)) = run.events.filter(|(first, last)| first < last) {
        let middle = first + (last - first) / 2;
        // Each half may name all of the notifications: only those of its own events are told with it.
        sqlx::query!(
            "with whole as (delete from outbox where id = $1 returning *)
             insert into outbox
               (event_received_at, event_id, last_event_id, notification_id, last_notification_id, items, attempts, created_at)
             select event_received_at, half.first, half.last, notification_id, last_notification_id,
                    greatest(items / 2, 1), attempts, created_at
             from whole, (values ($2::bigint, $3::bigint), ($3 + 1, $4::bigint)) as half (first, last)",
            run.id,
            first,
            middle,
            last
        )
        .execute(pool)
        .await?;
        return Ok(());
    }
    if run.attempts + 1 < MOST_ATTEMPTS {
        sqlx::query!("update outbox set attempts = attempts + 1 where id = $1", run.id).execute(pool).await?;
        return Ok(());
    }
    let mut transaction = pool.begin().await?;
    sqlx::query!("delete from outbox where id = $1", run.id).execute(&mut *transaction).await?;
    for item in items.each()? {
        let detail = "Redis kept refusing to relay this.".to_owned();
        let poison = Poison { raw: item.as_bytes().into(), origin: Origin::Outbox, reason: "not_relayed", detail };
        quarantine::keep(&mut transaction, &[(poison, &source_of(&item))]).await?;
    }
    transaction.commit().await?;
    tracing::error!(outbox.id = run.id, "an outbox row was refused too often and moved to quarantine");
    Ok(())
}

/// By whom the event of an item was vouched for.
fn source_of(item: &str) -> Source {
    match serde_json::from_str::<FeedItem>(item).ok().and_then(|item| item.event) {
        Some(event) if event.simulated => Source::Simulation,
        event => Source::Webhook(event.and_then(|event| event.webhook).unwrap_or_default()),
    }
}
