//! Outbox → Redis: what was committed is numbered, remembered and published, at least once and in the outbox's order.
//!
//! Rows are taken with `SKIP LOCKED`, so that replicas share the work, and deleted in the transaction that publishes them:
//! a crash between the two publishes again, and readers drop what they have seen. While Redis is away rows wait.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::value::RawValue;
use shared::config;
use shared::event::Event;
use shared::feed::{self, Item, WAKE_CHANNEL};
use shared::notification::{Notification, Sender};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::app::Context;
use crate::receive::payload::Poison;
use crate::receive::writer;

/// Rows relayed by one script.
const BATCH: i64 = 500;
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
    /// Those that were never refused.
    Fresh,
    /// Those that Redis refused, one by one and now and then.
    Refused,
}

/// Relays until `stop`, and then once more what is there.
pub async fn run(context: Arc<Context>, stop: CancellationToken) {
    let mut size = BATCH;
    let mut healthy = true;
    let mut retried = Instant::now();
    loop {
        let stopping = stop.is_cancelled();
        let outcome = round(&context, size, Rows::Fresh).await;
        let more = match &outcome {
            Ok(Round::Relayed(count)) => *count == size,
            Ok(Round::Refused) => true,
            Err(_) => false,
        };
        // What is refused, or takes too long, is tried by halves: the row at fault is found, or the batch that fits.
        size = if matches!(outcome, Ok(Round::Relayed(_))) { (size * 2).min(BATCH) } else { (size / 2).max(1) };
        note(&outcome, &mut healthy);
        if more {
            continue;
        }
        if stopping {
            return;
        }
        if outcome.is_ok() && retried.elapsed() >= POLL {
            retried = Instant::now();
            if let Err(error) = round(&context, 1, Rows::Refused).await {
                tracing::debug!(%error, "a refused row waits");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = context.outbox_filled.notified() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// Logs when relaying begins to wait, and when it goes on.
fn note(outcome: &Result<Round, RelayError>, healthy: &mut bool) {
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
pub async fn listen_for_wakes(context: Arc<Context>, config: config::Redis, stop: CancellationToken) {
    let listen = async {
        loop {
            if let Ok(subscription) = shared::redis::subscribe(&config, &[WAKE_CHANNEL]).await {
                context.outbox_filled.notify_one();
                let mut messages = subscription.into_on_message();
                while messages.next().await.is_some() {
                    context.outbox_filled.notify_one();
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

async fn round(context: &Context, size: i64, rows: Rows) -> Result<Round, RelayError> {
    // First, so that no transaction waits for a Redis that is away.
    let mut redis = context.redis.get().await.map_err(shared::redis::Error::from)?;
    let mut transaction = context.pool.begin().await?;
    let rows = sqlx::query!(
        r#"with taken as (
             delete from outbox where id = any(array(
               select id from outbox
               where case when $2 then attempts > 0 else attempts = 0 end
               order by id limit $1 for update skip locked))
             returning id, event_id, event_received_at, notification_id, attempts
           )
           select taken.id as "outbox_id!", taken.attempts as "attempts!", events.id as "event_id?", events.search as "search?",
             told.id as "told_id?", told.kind as "kind?", told.title as "title?", told.body as "body?",
             told.event_id as "told_event_id?", told.message_id as "message_id?", told.recipient as "recipient?",
             told.audience as "audience?", told.created_at as "created_at?", told.sender_id as "sender_id?",
             users.email as "sender_email?", taken.event_received_at
           from taken
           left join events on events.received_at = taken.event_received_at and events.id = taken.event_id
           left join notifications told on told.id = taken.notification_id
           left join users on users.id = told.sender_id
           order by taken.id"#,
        size,
        rows == Rows::Refused
    )
    .fetch_all(&mut *transaction)
    .await?;
    let taken: Vec<(i64, i16)> = rows.iter().map(|row| (row.outbox_id, row.attempts)).collect();
    let (times, ids): (Vec<_>, Vec<_>) = rows.iter().filter_map(|row| row.event_received_at.zip(row.event_id)).unzip();
    let mut events = events(&mut transaction, &times, &ids).await?;
    let items: Vec<Item> = rows
        .into_iter()
        .map(|row| {
            let audience = row.audience.and_then(|audience| audience.parse().ok());
            let notification =
                (row.told_id.zip(row.kind)).zip(audience.zip(row.created_at)).map(|((id, kind), (to, at))| Notification {
                    id,
                    kind,
                    title: row.title.unwrap_or_default(),
                    body: row.body.unwrap_or_default(),
                    event_id: row.told_event_id,
                    message_id: row.message_id,
                    recipient: row.recipient,
                    from: row.sender_id.zip(row.sender_email).map(|(id, email)| Sender { id, email }),
                    to,
                    at,
                });
            Item { event: row.event_id.and_then(|id| events.remove(&id)), search: row.search, notification }
        })
        .collect();
    // What retention dropped meanwhile has nothing left to tell.
    let alive: Vec<&Item> = items.iter().filter(|item| item.event.is_some() || item.notification.is_some()).collect();
    if let Err(error) = publish(&mut redis, &alive).await {
        transaction.rollback().await?;
        if !error.is_about_the_command() {
            return Err(error.into());
        }
        if let ([(id, attempts)], [item]) = (taken.as_slice(), alive.as_slice()) {
            count_failure(&context.pool, *id, *attempts, item).await?;
        }
        return Ok(Round::Refused);
    }
    transaction.commit().await?;
    metrics::counter!("ingest_relayed_total").increment(alive.len() as u64);
    Ok(Round::Relayed(i64::try_from(taken.len()).unwrap_or(BATCH)))
}

/// The events at these places, by id.
async fn events(
    connection: &mut PgConnection,
    times: &[OffsetDateTime],
    ids: &[i64],
) -> Result<HashMap<i64, Event>, sqlx::Error> {
    let events = sqlx::query_as!(
        Event,
        r#"select id, kind, occurred_at, received_at, message_id, recipient, sender, subject, tags,
                  metadata as "metadata: Json<Box<RawValue>>", template, subaccount, url, ip, user_agent, country, city,
                  diagnostic, simulated, webhook
           from unnest($1::timestamptz[], $2::bigint[]) as place (at, number)
           join events on events.received_at = place.at and events.id = place.number"#,
        times,
        ids
    )
    .fetch_all(connection)
    .await?;
    Ok(events.into_iter().map(|event| (event.id, event)).collect())
}

async fn publish(redis: &mut deadpool_redis::Connection, items: &[&Item]) -> Result<(), shared::redis::Error> {
    if items.is_empty() { Ok(()) } else { feed::append(redis, items).await }
}

/// A row that Redis keeps refusing must not be tried for ever, nor get lost: in the end it is kept apart.
async fn count_failure(pool: &PgPool, id: i64, attempts: i16, item: &Item) -> Result<(), sqlx::Error> {
    if attempts + 1 < MOST_ATTEMPTS {
        sqlx::query!("update outbox set attempts = attempts + 1 where id = $1", id).execute(pool).await?;
        return Ok(());
    }
    let raw = serde_json::to_vec(item).unwrap_or_default();
    let mut transaction = pool.begin().await?;
    sqlx::query!("delete from outbox where id = $1", id).execute(&mut *transaction).await?;
    let poison = Poison { raw, reason: "not_relayed", detail: "Redis kept refusing to relay this.".to_owned() };
    writer::quarantine(&mut transaction, &[&poison], false, None).await?;
    transaction.commit().await?;
    tracing::error!(outbox.id = id, "an outbox row was refused too often and moved to quarantine");
    Ok(())
}
