//! Benchmark rows for `ingest import`, compared with the same number of events posted in batches.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::value::RawValue;
use stack::Part;

use crate::cost;
use crate::database;
use crate::load::{self, to_f64};
use crate::ours::Ours;
use crate::report::Row;
use crate::run::{is_selected, print_line};

/// Number of connections that post batches.
const CONNECTIONS: usize = 8;
/// Events per batch.
const SIZE: usize = 1_000;
/// Bodies that are in memory at a time.
const BATCHES: usize = 100;
/// The most memory that an import may take, in MiB.
const MAX_MIB: f64 = 256.0;

/// Measures the rows selected by `only`.
///
/// # Errors
/// Returns an error if a run fails.
pub(crate) async fn measure(quick: bool, only: &str) -> anyhow::Result<Vec<Row>> {
    if !is_selected(only, "import") {
        return Ok(Vec::new());
    }
    let rounds = if quick { 1 } else { 10 };
    let events = rounds * BATCHES * SIZE;
    let mut ours = Ours::start().await?;
    let url = ours.stack.database_url();
    database::truncate(&url).await?;
    let mut posting = Duration::ZERO;
    for _ in 0..rounds {
        let bodies = ours.corpus.bodies(BATCHES, SIZE);
        posting += load::flood(&ours.stack.direct(Part::Ingest), CONNECTIONS, bodies, None).await?.elapsed;
        database::wait_for_outbox(&url).await?;
    }
    let posted = to_f64(events) / posting.as_secs_f64();

    let path = ours.stack.folder().join("events.ndjson");
    let mut file = BufWriter::new(File::create(&path)?);
    for _ in 0..rounds {
        for body in ours.corpus.bodies(BATCHES, SIZE) {
            let value = form_urlencoded::parse(&body.form).next().map(|(_, value)| value.into_owned()).unwrap_or_default();
            for element in serde_json::from_str::<Vec<&RawValue>>(&value)? {
                writeln!(file, "{}", element.get())?;
            }
        }
    }
    file.flush()?;
    database::truncate(&url).await?;
    let (first, mib) = import(&ours, &path).await?;
    ensure!(usize::try_from(database::count_events(&url).await?)? == events, "the import should store every event");
    let (again, _) = import(&ours, &path).await?;
    ensure!(usize::try_from(database::count_events(&url).await?)? == events, "the import should store no event twice");
    let rate = |time: Duration| to_f64(events) / time.as_secs_f64();
    print_line(&format!(
        "posted {posted:.0} events/s, imported {:.0} with {mib:.0} MiB, recognised {:.0} as repeats",
        rate(first),
        rate(again)
    ));
    Ok(vec![
        Row::comparison("import_events", "Events per second of an import", "events/s", rate(first), "posted in batches", posted),
        Row::figure("import_repeats", "Repeats per second of an import", "events/s", rate(again)),
        Row::limited("import_rss", "Peak memory of an import", "MiB", mib, MAX_MIB),
    ])
}

/// Imports a file. Returns how long that takes, and the peak memory in MiB.
async fn import(ours: &Ours, path: &Path) -> anyhow::Result<(Duration, f64)> {
    let started = Instant::now();
    let mut command = ours.stack.command("ingest")?;
    let mut importing = command.arg("import").arg(path).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut peak = 0;
    let status = loop {
        peak = peak.max(cost::peak_memory(importing.id()));
        if let Some(status) = importing.try_wait()? {
            break status;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    ensure!(status.success(), "the import failed");
    Ok((started.elapsed(), to_f64(usize::try_from(peak)?) / f64::from(1 << 20)))
}
