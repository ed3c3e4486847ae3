//! Adds the search terms that events of older versions lack.
//!
//! `ingest migrate` adds them to existing events. Upkeep adds them to events that an older version of the service stored while it
//! was being replaced. Deliveries wait for neither.

use sqlx::PgPool;

/// Events updated in one statement, so that it holds its row locks only briefly.
const CHUNK_ROWS: i64 = 1_000;

/// Adds search terms to all events without them.
///
/// # Errors
/// When Postgres fails. Finished chunks stay.
pub(crate) async fn search_terms(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut total = 0;
    loop {
        let chunk = sqlx::query!(
            "with without as (select received_at, id from events where terms is null limit $1 for update skip locked)
             update events set terms = event_terms(search, template, subaccount, url, ip)
             from without where events.received_at = without.received_at and events.id = without.id",
            CHUNK_ROWS
        );
        let updated = chunk.execute(pool).await?.rows_affected();
        if updated == 0 {
            return Ok(());
        }
        total += updated;
        tracing::info!(events = total, "added search terms to older events");
    }
}
