//! Gauges that only Postgres knows, read when `/metrics` is asked for.

use sqlx::PgPool;

use crate::periodic::alarms as alarm;

/// Reads them anew: depth and age of the outbox, depth of the quarantine, seconds since the last delivery.
///
/// # Errors
/// When Postgres is away; then the gauges stay as they were.
pub async fn refresh(pool: &PgPool) -> Result<(), sqlx::Error> {
    let depths = sqlx::query!(
        r#"select (select coalesce(sum(items), 0) from outbox)::float8 as "outbox!",
                  (select coalesce(extract(epoch from now() - min(created_at)), 0) from outbox)::float8 as "age!",
                  (select count(*) from quarantine where state = 'open')::float8 as "quarantine!""#
    );
    let depths = depths.fetch_one(pool).await?;
    metrics::gauge!("ingest_outbox_items").set(depths.outbox);
    metrics::gauge!("ingest_outbox_age_seconds").set(depths.age);
    metrics::gauge!("ingest_quarantine_open").set(depths.quarantine);
    if let Some(seconds) = alarm::seconds_since_delivery(pool).await? {
        metrics::gauge!("ingest_last_delivery_seconds").set(f64::from(i32::try_from(seconds).unwrap_or(i32::MAX)));
    }
    Ok(())
}
