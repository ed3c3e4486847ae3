//! Handles outbox rows that Redis keeps rejecting. A row is split until the faulty item is isolated, and that item is moved to quarantine.

use shared::feed::{EncodedBatch, FeedItem};
use sqlx::PgPool;

use super::error::PublishError;
use crate::store::outbox_rows::{self, PendingRow};
use crate::store::quarantine;
use crate::webhook::batch::{Origin, Poison};
use crate::webhook::delivery::Source;

/// Number of failures after which a row is moved to quarantine. Only failures while Redis is available count.
const MAX_ATTEMPTS: i16 = 20;

/// Records that Redis rejected `row`: splits the row, counts the failure, or quarantines the row's items.
pub(super) async fn record_failure(pool: &PgPool, row: &PendingRow, items: &EncodedBatch) -> Result<(), PublishError> {
    if let Some((first, last)) = row.events.filter(|(first, last)| first < last) {
        outbox_rows::split(pool, row.id, first, last).await?;
        return Ok(());
    }
    if row.attempts + 1 < MAX_ATTEMPTS {
        outbox_rows::count_attempt(pool, row.id).await?;
        return Ok(());
    }
    let mut transaction = pool.begin().await?;
    outbox_rows::delete(&mut transaction, row.id).await?;
    for item in items.each()? {
        let detail = "Redis repeatedly rejected this item.".to_owned();
        let poison =
            Poison { raw: item.as_bytes().into(), origin: Origin::Outbox, is_erased: false, reason: "not_relayed", detail };
        quarantine::insert(&mut transaction, &[(poison, &source_of(&item))]).await?;
    }
    transaction.commit().await?;
    tracing::error!(outbox.id = row.id, "an outbox row was rejected too many times and was moved to quarantine");
    Ok(())
}

/// Returns the source of the event in a feed item.
fn source_of(item: &str) -> Source {
    match serde_json::from_str::<FeedItem>(item).ok().and_then(|item| item.event) {
        Some(event) if event.simulated => Source::Simulation,
        event => Source::Webhook(event.and_then(|event| event.webhook).unwrap_or_default()),
    }
}
