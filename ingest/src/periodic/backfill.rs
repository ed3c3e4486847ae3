//! What events of older versions lack. `ingest migrate` gives it to those that are there, and upkeep to those that a service of an older
//! version stored while it was being replaced. Deliveries do not wait for it.

use sqlx::PgPool;

/// Events at once: a moment's work.
const CHUNK: i64 = 1_000;

/// Gives terms to all events without, by which they are then found.
///
/// # Errors
/// When Postgres fails; what was done stays.
pub(crate) async fn terms(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut given = 0;
    loop {
        let done = sqlx::query!(
            "with without as (select received_at, id from events where terms is null limit $1 for update skip locked)
             update events set terms = event_terms(search, template, subaccount, url, ip)
             from without where events.received_at = without.received_at and events.id = without.id",
            CHUNK
        );
        let rows = done.execute(pool).await?.rows_affected();
        if rows == 0 {
            return Ok(());
        }
        given += rows;
        tracing::info!(events = given, "older events are made findable");
    }
}
