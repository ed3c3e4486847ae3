//! Rows about memory: what ingest holds at most, freshly started, under the heaviest that may be posted.

use std::time::Duration;

use crate::Effort;
use crate::ours::Ours;
use crate::report::Row;

/// An attachment of 20 MiB.
const MAIL: usize = 20 << 20;

pub(crate) async fn batches(effort: Effort) -> anyhow::Result<Row> {
    let mut ours = Ours::start().await?;
    let bodies = ours.corpus.bodies(effort.batches, 1000);
    ours.flood(64, bodies, Some(effort.time + Duration::from_secs(5))).await?;
    Ok(Row::alone(
        "ingest_rss_batches",
        "Most memory of ingest, 64 connections posting 1,000-event batches",
        "MiB",
        ours.peak_mib(),
    ))
}

pub(crate) async fn mails() -> anyhow::Result<Row> {
    let mut ours = Ours::start().await?;
    let bodies = (0..32).map(|_| ours.corpus.mail(MAIL)).collect();
    ours.flood(16, bodies, None).await?;
    Ok(Row::alone("ingest_rss_mail", "Most memory of ingest, 16 connections posting mails of 20 MiB", "MiB", ours.peak_mib()))
}
