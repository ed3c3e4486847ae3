//! `ingest retention`.

use std::io::Write;

use clap::Args;
use shared::config::{Database, Log};
use shared::db::Purpose;

use crate::archive::storage::{ArchiveArgs, Storage};
use crate::config::Owner;
use crate::periodic::retention::{self, RetentionArgs};

/// Options for `ingest retention`.
#[derive(Debug, Args)]
pub struct Retention {
    /// Prints what would be dropped without dropping anything.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub retention: RetentionArgs,
    #[command(flatten)]
    pub archive: ArchiveArgs,
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub owner: Owner,
    #[command(flatten)]
    pub log: Log,
}

/// Drops the expired partitions and prints a summary, or prints what would be dropped.
///
/// # Errors
/// If Postgres is unavailable or fails.
pub async fn run(config: &Retention) -> anyhow::Result<()> {
    let pool = config.owner.pool(&config.database, "ingest-retention", Purpose::Work)?;
    let mut out = std::io::stdout();
    let Some(days) = config.retention.retention_days.0 else {
        writeln!(out, "RETENTION_DAYS is not set: all events are kept")?;
        return Ok(());
    };
    let storage = Storage::open(&config.archive)?;
    if config.dry_run {
        let verb = if storage.is_some() { "archive and drop" } else { "drop" };
        for partition in retention::expired_partitions(&pool, days).await? {
            writeln!(out, "would {verb} {} (events received before {})", partition.name, partition.until.date())?;
        }
        return Ok(());
    }
    match retention::apply(&pool, storage.as_ref(), days).await? {
        Some(report) => {
            let partitions = if report.partitions.is_empty() { "no partition".to_owned() } else { report.partitions.join(", ") };
            writeln!(out, "dropped {partitions}; deleted {} keys and {} notifications", report.keys, report.notifications)?;
            if let Some(kept) = report.kept {
                return Err(kept.into());
            }
        }
        None => writeln!(out, "another process is already running retention")?,
    }
    Ok(())
}
