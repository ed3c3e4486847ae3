//! `ingest import`.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use shared::config::{Database, Log};
use shared::db::{self, Purpose};
use shared::shutdown;

use crate::erasure::keys::SecretKeyArgs;
use crate::import::input::Input;
use crate::import::{self, Importer, Progress, Totals};
use crate::periodic::retention::RetentionArgs;

/// Options for `ingest import`.
#[derive(Debug, Args)]
pub struct Import {
    /// A file with events, or `-` for standard input: elements of Mandrill's deliveries, one per line or in JSON arrays; bodies of deliveries as they were
    /// posted, one per line; or an NDJSON export with payloads. It may be compressed with gzip or Zstandard.
    pub file: PathBuf,
    /// Prints what would be stored without storing anything.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub retention: RetentionArgs,
    #[command(flatten)]
    pub secret_keys: SecretKeyArgs,
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub log: Log,
}

/// Stores the events of a file that are not stored yet. Prints how far it has come on standard error, and a summary on standard output.
///
/// # Errors
/// If the file cannot be read, if Postgres is unavailable or fails, or if the import was interrupted.
pub async fn run(config: &Import) -> anyhow::Result<()> {
    let input = Input::open(&config.file).with_context(|| format!("{} cannot be read", config.file.display()))?;
    let stop = shutdown::on_signal(std::time::Duration::ZERO)?.stop;
    let pool = db::pool(&config.database, "ingest-import", Purpose::Work)?;
    let days = config.retention.retention_days.0;
    let importer = Importer::new(pool.clone(), &config.secret_keys.secret_key, days, config.dry_run).await?;
    let mut shown = Shown { size: input.size, started: Instant::now() };
    let (totals, is_whole) = import::run(&pool, importer, input, &stop, &mut shown).await?;
    let mut out = std::io::stdout();
    let Totals { read, stored, duplicates, quarantined, expired, left_out, .. } = totals;
    let verbs = if config.dry_run { ("would be stored", "would be quarantined") } else { ("stored", "quarantined") };
    writeln!(
        out,
        "{read} elements: {stored} {}, {duplicates} stored before or repeated, {quarantined} {}, {expired} too old to be kept, \
         {left_out} test or erased events of an export",
        verbs.0, verbs.1
    )?;
    anyhow::ensure!(is_whole, "the import was interrupted; run it again to continue");
    Ok(())
}

/// Prints progress on standard error.
struct Shown {
    /// The size of the file in bytes.
    size: Option<u64>,
    started: Instant,
}

impl Progress for Shown {
    fn continues(&mut self, elements: u64) {
        let _ =
            writeln!(std::io::stderr(), "an earlier import of this file was interrupted; continuing after {elements} elements");
    }

    fn reached(&mut self, totals: &Totals) {
        let rate = totals.read as f64 / self.started.elapsed().as_secs_f64().max(1e-3);
        let percent = self.size.filter(|size| *size > 0).map(|size| format!(" ({} %)", totals.read_bytes * 100 / size));
        let _ = writeln!(
            std::io::stderr(),
            "{} elements{}, {} stored, {rate:.0} per second",
            totals.read,
            percent.unwrap_or_default(),
            totals.stored
        );
    }
}
