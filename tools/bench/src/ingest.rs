//! Benchmark rows for receiving deliveries.

use crate::database;
use crate::ours::Ours;
use crate::report::{Row, median};
use crate::run::{Effort, is_selected, print_line};

/// Number of connections that post batches: enough to keep every writer busy.
const BATCH_CONNECTIONS: usize = 8;
/// Number of connections that post single events, and of pgbench clients.
const SINGLE_CONNECTIONS: usize = 64;

/// Measures the rows selected by `only`.
///
/// # Errors
/// Returns an error if a run fails.
pub(crate) async fn measure(ours: &mut Ours, effort: Effort, only: &str) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    if is_selected(only, "ingest_batch") {
        rows.extend(batches(ours, effort).await?);
    }
    if is_selected(only, "ingest_single") {
        rows.extend(singles(ours, effort).await?);
    }
    Ok(rows)
}

/// Compares posting full batches with using COPY to load the same rows into the same table.
async fn batches(ours: &mut Ours, effort: Effort) -> anyhow::Result<Vec<Row>> {
    let warm = ours.corpus.bodies(20, 1000);
    ours.flood(BATCH_CONNECTIONS, warm, None).await?;
    let (mut mine, mut copies, mut singles) = (Vec::new(), Vec::new(), Vec::new());
    let (mut ingest, mut postgres, mut copy_cpu) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=effort.rounds {
        let bodies = ours.corpus.bodies(effort.batches, 1000);
        let measured = ours.flood(BATCH_CONNECTIONS, bodies, None).await?;
        let chunks = database::copy_out(&ours.stack.database_url(), 1000).await?;
        let total = i64::try_from(measured.run.events)?;
        let (mut best, mut one): (Option<database::CopyResult>, Option<database::CopyResult>) = (None, None);
        for connections in [1, 2, 4] {
            let copied = database::copy_in(&ours.stack, &chunks, total, connections).await?;
            print_line(&format!(
                "  COPY, {connections} connections: {:.0} rows/s, Postgres {:.1} µs per row",
                copied.rows_per_second, copied.cpu_us
            ));
            one = one.or(Some(copied));
            if best.is_none_or(|best| copied.rows_per_second > best.rows_per_second) {
                best = Some(copied);
            }
        }
        let rate = measured.run.events_per_second();
        print_line(&format!(
            "batches, round {round}: {rate:.0} events/s, ingest {:.1} µs, Postgres {:.1} µs per event, p50 {:.1} ms, p99 {:.1} ms, {} answered with 503",
            measured.ingest_us,
            measured.postgres_us,
            measured.run.latency_ms(0.5),
            measured.run.latency_ms(0.99),
            measured.run.unavailable
        ));
        mine.push(rate);
        ingest.push(measured.ingest_us);
        postgres.push(measured.postgres_us);
        if let Some(best) = best {
            copies.push(best.rows_per_second);
            copy_cpu.push(best.cpu_us);
        }
        singles.extend(one.map(|one| one.rows_per_second));
    }
    let (mine, one) = (median(mine), median(singles));
    Ok(vec![
        Row::comparison("ingest_batch_copy_one", "1,000-event batches", "events/s", mine, "COPY over one connection", one),
        Row::comparison(
            "ingest_batch_copy",
            "1,000-event batches",
            "events/s",
            mine,
            "COPY, best of 1, 2 and 4 connections",
            median(copies),
        ),
        Row::figure("ingest_batch_cpu", "CPU of ingest, 1,000-event batches", "µs/event", median(ingest)),
        Row::comparison(
            "ingest_batch_postgres_cpu",
            "CPU of Postgres, 1,000-event batches",
            "µs/event",
            median(postgres),
            "COPY",
            median(copy_cpu),
        ),
    ])
}

/// Compares posting single events with single-row inserts.
async fn singles(ours: &mut Ours, effort: Effort) -> anyhow::Result<Vec<Row>> {
    let (mut mine, mut theirs, mut cpu, mut tail) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let warm = ours.corpus.bodies(5_000, 1);
    ours.flood(SINGLE_CONNECTIONS, warm, None).await?;
    for round in 1..=effort.rounds {
        let bodies = ours.corpus.bodies(usize::try_from(effort.time.as_secs())? * 40_000, 1);
        let measured = ours.flood(SINGLE_CONNECTIONS, bodies, Some(effort.time)).await?;
        let peak = measured.run.posts_per_second();
        let pgbench = database::pgbench(&ours.stack, 64, effort.time.as_secs(), 1450).await?;
        let half = peak / 2.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of posts, far below 2^52")]
        let bodies = ours.corpus.bodies((half * effort.time.as_secs_f64()) as usize, 1);
        let paced = ours.pace(SINGLE_CONNECTIONS, bodies, half).await?;
        print_line(&format!(
            "single events, round {round}: {peak:.0} posts/s, ingest {:.1} µs, Postgres {:.1} µs per post; pgbench {pgbench:.0}/s; at half of peak p50 {:.2}, p99 {:.2}, p99.9 {:.2} ms",
            measured.ingest_us,
            measured.postgres_us,
            paced.run.latency_ms(0.5),
            paced.run.latency_ms(0.99),
            paced.run.latency_ms(0.999)
        ));
        mine.push(peak);
        theirs.push(pgbench);
        cpu.push(measured.ingest_us);
        tail.push(paced.run.latency_ms(0.99));
    }
    Ok(vec![
        Row::comparison(
            "ingest_single_pgbench",
            "1-event posts at 64 connections",
            "posts/s",
            median(mine),
            "pgbench, single-row inserts at 64 clients",
            median(theirs),
        ),
        Row::figure("ingest_single_cpu", "CPU of ingest, 1-event posts", "µs/post", median(cpu)),
        Row::figure(
            "ingest_single_p99",
            "p99 of 1-event posts at half of peak, counted from when each was due",
            "ms",
            median(tail),
        ),
        Row::figure("ingest_memory", "Peak memory of ingest in these runs", "MiB", ours.peak_mib()),
    ])
}
