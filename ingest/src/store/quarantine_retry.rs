//! Retries a quarantined item: parses its bytes with the current code and stores the result like a new delivery.

use serde::Serialize;
use shared::feed::FeedItem;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::erasure::list::Erasures;
use crate::notify::rules::Rules;
use crate::store::commit::{self, InsertMode};
use crate::store::search_terms::CommonWords;
use crate::store::{dictionaries, erasures, outbox, partitions, sqlstate, upgrade_moments};
use crate::webhook::batch::{Batch, Origin, VerifiedBatch};
use crate::webhook::delivery::Source;
use crate::webhook::event::{NewEvent, ReadOptions};

/// The outcome of retrying one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct RetryOutcome {
    id: i64,
    /// `failed` items stay open. A dry run reports `readable` or `failed`.
    #[schema(pattern = "^(readable|stored|duplicate|relayed|failed)$")]
    outcome: &'static str,
    /// Why the retry failed, or how much of a whole delivery was stored.
    detail: String,
}

impl RetryOutcome {
    fn failed(id: i64, detail: String) -> Self {
        Self { id, outcome: "failed", detail }
    }

    /// True if the item stays open.
    pub(crate) fn is_failed(&self) -> bool {
        self.outcome == "failed"
    }
}

/// Reports whether the item can now be parsed, without storing anything. `None` if the item is not open or is being retried.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn preview(connection: &mut PgConnection, id: i64) -> Result<Option<RetryOutcome>, sqlx::Error> {
    let item = lock_open(&mut *connection, id).await?;
    let sync_senders_from = upgrade_moments::sync_senders_from(&mut *connection).await?;
    Ok(item.map(|item| match item.parse(sync_senders_from) {
        Ok(_) => RetryOutcome { id, outcome: "readable", detail: String::new() },
        Err(detail) => RetryOutcome::failed(id, detail),
    }))
}

/// Retries one item in its own transaction, which stores the result and marks the item as retried by `user`. Returns `None` if the item is
/// not open or another request is retrying it.
///
/// # Errors
/// Returns an error if Postgres fails for a reason other than the item's data.
pub(crate) async fn retry(
    pool: &PgPool,
    rules: &Rules,
    erasures: &Erasures,
    id: i64,
    user: i64,
) -> Result<Option<RetryOutcome>, sqlx::Error> {
    let failure = match try_retry(pool, rules, erasures, id, user).await {
        Ok(Ok(outcome)) => return Ok(outcome),
        Ok(Err(detail)) => detail,
        Err(error) if sqlstate::is_invalid_data(&error) => "Postgres still refuses it.".to_owned(),
        Err(error) => return Err(error),
    };
    record_failure(pool, id, &failure).await?;
    Ok(Some(RetryOutcome::failed(id, failure)))
}

/// The inner error explains why the item cannot be parsed.
async fn try_retry(
    pool: &PgPool,
    rules: &Rules,
    erasures: &Erasures,
    id: i64,
    user: i64,
) -> Result<Result<Option<RetryOutcome>, String>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let Some(item) = lock_open(&mut transaction, id).await? else { return Ok(Ok(None)) };
    let sync_senders_from = upgrade_moments::sync_senders_from(&mut *transaction).await?;
    let (outcome, detail) = match item.parse(sync_senders_from) {
        Ok(Parsed::Events(batch)) if item.source.filed_as().is_some() && is_dropped(&mut transaction, &batch).await? => {
            transaction.rollback().await?;
            return Ok(Err("Retention has dropped the events of its day.".to_owned()));
        }
        Ok(Parsed::Events(batch)) => store_events(&mut transaction, rules, erasures, &item, batch).await?,
        Ok(Parsed::Feed(feed_item)) => {
            requeue(&mut transaction, &feed_item).await?;
            ("relayed", String::new())
        }
        Err(detail) => {
            transaction.rollback().await?;
            return Ok(Err(detail));
        }
    };
    let resolution = format!("{outcome} {detail}");
    sqlx::query!(
        "update quarantine set state = 'retried', resolved_at = now(), resolved_by = $2, resolution = $3 where id = $1",
        id,
        user,
        resolution.trim()
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Ok(Some(RetryOutcome { id, outcome, detail })))
}

/// Whether an event happened on a day of which retention has dropped the events. Otherwise, there are partitions for all of them.
async fn is_dropped(connection: &mut PgConnection, batch: &Batch<'_>) -> Result<bool, sqlx::Error> {
    Ok(!partitions::past(connection, &batch.days(), true).await?.is_empty())
}

async fn store_events(
    connection: &mut PgConnection,
    rules: &Rules,
    erasures: &Erasures,
    item: &LockedItem,
    mut batch: Batch<'_>,
) -> Result<(&'static str, String), sqlx::Error> {
    let (received, quarantined) = (batch.received, batch.poison.len());
    erasures::apply(&mut *connection, erasures, std::slice::from_mut(&mut batch)).await?;
    let codec = dictionaries::codec(&mut *connection).await?;
    let batches = [VerifiedBatch::new(batch, &item.source, &codec, &CommonWords::default(), |event| rules.draft(event))];
    let written = commit::write(connection, &batches, InsertMode::Bulk).await?;
    let stored = written.receipts.first().map_or(0, |receipt| receipt.stored);
    let outcome = if stored == 0 && received > 0 { "duplicate" } else { "stored" };
    let detail = match item.origin {
        Origin::Delivery => format!("{stored} of {received}, {quarantined} quarantined individually"),
        Origin::Element | Origin::Outbox => String::new(),
    };
    Ok((outcome, detail))
}

/// An open item, locked by the current transaction.
struct LockedItem {
    raw: Vec<u8>,
    origin: Origin,
    source: Source,
}

enum Parsed<'a> {
    Events(Batch<'a>),
    Feed(Box<FeedItem>),
}

impl LockedItem {
    /// The error is a sentence explaining why the bytes cannot be parsed.
    fn parse(&self, sync_senders_from: OffsetDateTime) -> Result<Parsed<'_>, String> {
        let options = ReadOptions { simulated: self.source.is_simulation(), now: OffsetDateTime::now_utc(), sync_senders_from };
        match self.origin {
            Origin::Delivery => {
                let batch = Batch::read(&self.raw, options);
                match batch.poison.iter().find(|poison| poison.origin == Origin::Delivery) {
                    Some(poison) => Err(poison.detail.clone()),
                    None => Ok(Parsed::Events(batch)),
                }
            }
            Origin::Element => {
                let text = std::str::from_utf8(&self.raw).map_err(|_| "The element is not UTF-8.".to_owned())?;
                let event = NewEvent::read(text, options).map_err(|(_, detail)| detail.to_owned())?;
                Ok(Parsed::Events(Batch { received: 1, events: vec![event], poison: Vec::new() }))
            }
            Origin::Outbox => serde_json::from_slice(&self.raw)
                .map(|item| Parsed::Feed(Box::new(item)))
                .map_err(|_| "The bytes are not an item of the feed.".to_owned()),
        }
    }
}

/// Locks an item. Returns `None` if it is not open or another transaction has locked it.
async fn lock_open(connection: &mut PgConnection, id: i64) -> Result<Option<LockedItem>, sqlx::Error> {
    let row = sqlx::query!(
        "select raw, origin, webhook, simulated, source from quarantine where id = $1 and state = 'open' for update skip locked",
        id
    );
    let row = row.fetch_optional(connection).await?;
    Ok(row.map(|row| LockedItem {
        raw: row.raw,
        origin: Origin::from_name(&row.origin).unwrap_or(Origin::Element),
        source: match row.source {
            Some(_) => Source::Import,
            None if row.simulated => Source::Simulation,
            None => Source::Webhook(row.webhook.unwrap_or_default()),
        },
    }))
}

async fn record_failure(pool: &PgPool, id: i64, detail: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("update quarantine set resolution = $2 where id = $1 and state = 'open'", id, detail).execute(pool).await?;
    Ok(())
}

/// Puts an item that Redis rejected back into the outbox.
async fn requeue(connection: &mut PgConnection, item: &FeedItem) -> Result<(), sqlx::Error> {
    if item.event.is_none() && item.notification.is_none() {
        return outbox::announce_item(connection, item).await;
    }
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
