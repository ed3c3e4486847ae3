//! Gauges computed from data in Postgres. They are refreshed on each request to `/metrics`.

use sqlx::PgPool;

use crate::store::{background_jobs, diagnostics};

/// Sets the gauges for the outbox, the quarantine, the last delivery and the background jobs.
///
/// # Errors
/// If Postgres fails; some or all gauges then keep their previous values.
pub(crate) async fn refresh(pool: &PgPool) -> Result<(), sqlx::Error> {
    let depths = diagnostics::queue_depths(pool).await?;
    metrics::gauge!("ingest_outbox_items").set(depths.outbox);
    metrics::gauge!("ingest_outbox_age_seconds").set(depths.age);
    metrics::gauge!("ingest_quarantine_open").set(depths.quarantine);
    if let Some(seconds) = diagnostics::seconds_since_delivery(pool).await? {
        metrics::gauge!("ingest_last_delivery_seconds").set(f64::from(i32::try_from(seconds).unwrap_or(i32::MAX)));
    }
    for job in background_jobs::all(pool).await? {
        let finished = if job.finished_at.is_some() { 1.0 } else { 0.0 };
        metrics::gauge!("ingest_background_job_finished", "job" => job.name).set(finished);
    }
    Ok(())
}
