//! Gauges that only Postgres knows. They are refreshed for each request of `/metrics`.

use sqlx::PgPool;

use crate::store::diagnostics;

/// Sets the gauges of the outbox, the quarantine and the last delivery.
///
/// # Errors
/// When Postgres fails; some or all gauges then keep their previous values.
pub(crate) async fn refresh(pool: &PgPool) -> Result<(), sqlx::Error> {
    let depths = diagnostics::queue_depths(pool).await?;
    metrics::gauge!("ingest_outbox_items").set(depths.outbox);
    metrics::gauge!("ingest_outbox_age_seconds").set(depths.age);
    metrics::gauge!("ingest_quarantine_open").set(depths.quarantine);
    if let Some(seconds) = diagnostics::seconds_since_delivery(pool).await? {
        metrics::gauge!("ingest_last_delivery_seconds").set(f64::from(i32::try_from(seconds).unwrap_or(i32::MAX)));
    }
    Ok(())
}
