//! Trying again what is in quarantine: read as today's code reads it, stored as if it had just come.

use serde::Serialize;
use shared::feed::FeedItem;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::http::error::ApiError;
use crate::notify::cache;
use crate::notify::rules::Rules;
use crate::state::AppState;
use crate::store::commit::{self, InsertMode};
use crate::store::sqlstate;
use crate::webhook::batch::{Batch, Origin, VerifiedBatch};
use crate::webhook::delivery::Source;
use crate::webhook::event::NewEvent;

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RetryOutcome)]
pub(crate) struct Outcome {
    id: i64,
    /// `stored`, `duplicate`, `relayed`, or `failed`: then it stays open. A dry run says `readable` or `failed`.
    #[schema(pattern = "^(readable|stored|duplicate|relayed|failed)$")]
    outcome: &'static str,
    /// Why it failed, or how much of a whole delivery was stored.
    detail: String,
}

/// What became of all.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Retried {
    matched: usize,
    /// How many the selection means in all; at most 1,000 of them are matched at once.
    total: i64,
    resolved: usize,
    failed: usize,
    items: Vec<Outcome>,
}

/// An item as it lies there.
struct Kept {
    id: i64,
    raw: Vec<u8>,
    origin: Origin,
    source: Source,
}

/// What a retry would make of the items: whether each can be read today.
pub(crate) async fn foresee(pool: &PgPool, ids: &[i64], total: i64) -> Result<Retried, ApiError> {
    let mut foreseen = Retried { matched: ids.len(), total, ..Retried::default() };
    let mut connection = pool.acquire().await?;
    for id in ids {
        let Some(kept) = find(&mut connection, *id).await? else { continue };
        let outcome = match kept.read() {
            Ok(_) => Outcome { id: *id, outcome: "readable", detail: String::new() },
            Err(detail) => Outcome { id: *id, outcome: "failed", detail },
        };
        foreseen.add(outcome);
    }
    Ok(foreseen)
}

/// Tries each, in a transaction of its own: what it stores and that it is resolved are committed together.
pub(crate) async fn retry(state: &AppState, ids: &[i64], total: i64, user: i64) -> Result<Retried, ApiError> {
    let rules = cache::read(&state.pool).await?;
    let mut retried = Retried { matched: ids.len(), total, ..Retried::default() };
    for id in ids {
        match retry_one(&state.pool, &rules, *id, user).await {
            Ok(Some(outcome)) => retried.add(outcome),
            // Somebody else is at it, or was.
            Ok(None) => {}
            Err(error) if sqlstate::is_invalid_data(&error) => {
                let detail = "Postgres still refuses it.".to_owned();
                note_failure(&state.pool, *id, &detail).await?;
                retried.add(Outcome { id: *id, outcome: "failed", detail });
            }
            Err(error) => return Err(error.into()),
        }
    }
    state.outbox_filled.notify_one();
    tracing::info!(resolved = retried.resolved, failed = retried.failed, user.id = user, "retried items in quarantine");
    Ok(retried)
}

async fn retry_one(pool: &PgPool, rules: &Rules, id: i64, user: i64) -> Result<Option<Outcome>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let Some(kept) = find(&mut transaction, id).await? else { return Ok(None) };
    let outcome = match kept.read() {
        Ok(read) => kept.store(&mut transaction, rules, read).await?,
        Err(detail) => {
            transaction.rollback().await?;
            note_failure(pool, id, &detail).await?;
            return Ok(Some(Outcome { id, outcome: "failed", detail }));
        }
    };
    let resolution = format!("{} {}", outcome.outcome, outcome.detail);
    sqlx::query!(
        "update quarantine set state = 'retried', resolved_at = now(), resolved_by = $2, resolution = $3 where id = $1",
        id,
        user,
        resolution.trim()
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Some(outcome))
}

/// The item, locked, if it is open and nobody else holds it.
async fn find(connection: &mut PgConnection, id: i64) -> Result<Option<Kept>, sqlx::Error> {
    let row = sqlx::query!(
        "select raw, origin, webhook, simulated from quarantine where id = $1 and state = 'open' for update skip locked",
        id
    );
    let row = row.fetch_optional(connection).await?;
    Ok(row.map(|row| Kept {
        id,
        raw: row.raw,
        origin: Origin::from_name(&row.origin).unwrap_or(Origin::Element),
        source: if row.simulated { Source::Simulation } else { Source::Webhook(row.webhook.unwrap_or_default()) },
    }))
}

async fn note_failure(pool: &PgPool, id: i64, detail: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("update quarantine set resolution = $2 where id = $1 and state = 'open'", id, detail).execute(pool).await?;
    Ok(())
}

/// What an item reads as today.
enum Read<'a> {
    Events(Batch<'a>),
    Feed(Box<FeedItem>),
}

impl Kept {
    fn read(&self) -> Result<Read<'_>, String> {
        let now = OffsetDateTime::now_utc();
        let simulated = self.source.is_simulation();
        match self.origin {
            Origin::Delivery => {
                let batch = Batch::read(&self.raw, simulated, now);
                match batch.poison.iter().find(|poison| poison.origin == Origin::Delivery) {
                    Some(poison) => Err(poison.detail.clone()),
                    None => Ok(Read::Events(batch)),
                }
            }
            Origin::Element => {
                let text = std::str::from_utf8(&self.raw).map_err(|_| "It is not UTF-8.".to_owned())?;
                let event = NewEvent::read(text, simulated, now).map_err(|(_, detail)| detail.to_owned())?;
                Ok(Read::Events(Batch { received: 1, events: vec![event], poison: Vec::new() }))
            }
            Origin::Outbox => serde_json::from_slice(&self.raw)
                .map(|item| Read::Feed(Box::new(item)))
                .map_err(|_| "It is not an item of the feed.".to_owned()),
        }
    }

    async fn store(&self, connection: &mut PgConnection, rules: &Rules, read: Read<'_>) -> Result<Outcome, sqlx::Error> {
        let (outcome, detail) = match read {
            Read::Events(batch) => {
                let (received, odd) = (batch.received, batch.poison.len());
                let batches = [VerifiedBatch::new(batch, &self.source, |event| rules.draft(event))];
                let written = commit::write(connection, &batches, InsertMode::Bulk).await?;
                let stored = written.receipts.first().map_or(0, |receipt| receipt.stored);
                let outcome = if stored == 0 && received > 0 { "duplicate" } else { "stored" };
                let detail = match self.origin {
                    Origin::Delivery => format!("{stored} of {received}, {odd} kept apart one by one"),
                    Origin::Element | Origin::Outbox => String::new(),
                };
                (outcome, detail)
            }
            Read::Feed(item) => {
                queue_again(connection, &item).await?;
                ("relayed", String::new())
            }
        };
        Ok(Outcome { id: self.id, outcome, detail })
    }
}

/// Puts an item that Redis refused back into the outbox.
async fn queue_again(connection: &mut PgConnection, item: &FeedItem) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into outbox (event_id, event_received_at, notification_id) values ($1, $2, $3)",
        item.event.as_ref().map(|event| event.id),
        item.event.as_ref().map(|event| event.received_at),
        item.notification.as_ref().map(|notification| notification.id)
    )
    .execute(connection)
    .await?;
    Ok(())
}

impl Retried {
    fn add(&mut self, outcome: Outcome) {
        if outcome.outcome == "failed" {
            self.failed += 1;
        } else {
            self.resolved += 1;
        }
        self.items.push(outcome);
    }
}
