//! Benchmark rows for the peak memory of a freshly started ingest under the heaviest load that clients can generate.

use std::time::Duration;

use crate::ours::Ours;
use crate::report::Row;
use crate::run::Effort;

const ATTACHMENT_BYTES: usize = 20 << 20;

pub(crate) async fn batches(effort: Effort) -> anyhow::Result<Row> {
    let mut ours = Ours::start().await?;
    let bodies = ours.corpus.bodies(effort.batches, 1000);
    ours.flood(64, bodies, Some(effort.time + Duration::from_secs(5))).await?;
    Ok(Row::figure(
        "ingest_rss_batches",
        "Peak memory of ingest, 64 connections posting 1,000-event batches",
        "MiB",
        ours.peak_mib(),
    ))
}

pub(crate) async fn mails() -> anyhow::Result<Row> {
    let mut ours = Ours::start().await?;
    let bodies = (0..32).map(|_| ours.corpus.inbound_mail(ATTACHMENT_BYTES)).collect();
    ours.flood(16, bodies, None).await?;
    Ok(Row::figure("ingest_rss_mail", "Peak memory of ingest, 16 connections posting mails of 20 MiB", "MiB", ours.peak_mib()))
}
