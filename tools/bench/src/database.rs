//! Prepares Postgres for a run, checks it afterwards, and fills it with COPY and pgbench for comparison.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use stack::{Part, Stack};

use crate::cost;

const COLUMNS: &str =
    "id, received_at, occurred_at, kind, message_id, recipient, sender, subject, tags, metadata, template, subaccount,
    url, ip, user_agent, country, city, diagnostic, reason_class, actor, actor_reason, verdict_rules, simulated, webhook, search, terms,
    payload_frame, payload";

/// The cost of filling the table with COPY.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CopyResult {
    pub rows_per_second: f64,
    /// Postgres CPU time, in microseconds per row.
    pub cpu_us: f64,
}

/// Creates an empty database for a peer in our Postgres and returns its URL.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn create(stack: &Stack, name: &str) -> anyhow::Result<String> {
    let server_url = stack.database_url();
    let mut connection = PgConnection::connect(&server_url).await?;
    for sql in [format!("drop database if exists {name} with (force)"), format!("create database {name}")] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
    }
    let (server, _) = server_url.rsplit_once('/').context("the database URL has no path")?;
    let url = format!("{server}/{name}");
    Ok(url)
}

/// Configures Postgres so that no automatic checkpoint or vacuum happens during a run.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn prepare(url: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    for setting in ["max_wal_size = '16GB'", "checkpoint_timeout = '1h'", "autovacuum_naptime = '1h'"] {
        sqlx::query(AssertSqlSafe(format!("alter system set {setting}"))).execute(&mut connection).await?;
    }
    sqlx::query("select pg_reload_conf()").execute(&mut connection).await?;
    Ok(())
}

/// Brings ingest into the state that it is in ten minutes after the first deliveries: the search index leaves out their common words.
///
/// # Errors
/// Returns an error if Postgres fails, or if ingest does not start.
pub(crate) async fn learn_common_words(stack: &mut Stack) -> anyhow::Result<()> {
    // Ingest learns when it starts, and reads what it has learned when it starts again.
    stack.restart(Part::Ingest)?;
    let url = stack.database_url();
    wait_until(&url, "select exists (select from common_words)", "ingest knows common words").await?;
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::query("update common_words set added_at = 'epoch'").execute(&mut connection).await?;
    Ok(stack.restart(Part::Ingest)?)
}

/// Truncates every table that a run writes to.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn truncate(url: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query("truncate events, event_keys, recent_keys, late_keys, notifications, outbox, event_tally_deltas, quarantine")
        .execute(&mut connection)
        .await?;
    sqlx::query("checkpoint").execute(&mut connection).await?;
    Ok(())
}

/// Inserts `rows` events typical of a busy shop directly, bypassing ingest.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn fill(url: &str, rows: u32) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query(AssertSqlSafe(format!("set fill.rows = '{rows}'"))).execute(&mut connection).await?;
    sqlx::raw_sql(include_str!("../fill.sql")).execute(&mut connection).await?;
    Ok(())
}

/// Returns the number of rows in `events`.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count_events(url: &str) -> anyhow::Result<i64> {
    let mut connection = PgConnection::connect(url).await?;
    Ok(sqlx::query_scalar("select count(*) from events").fetch_one(&mut connection).await?)
}

/// Waits until the outbox is empty.
///
/// # Errors
/// Returns an error if Postgres fails, or the outbox is not empty after five minutes.
pub(crate) async fn wait_for_outbox(url: &str) -> anyhow::Result<()> {
    wait_until(url, "select not exists (select from outbox)", "the outbox is empty").await
}

/// Waits until a query returns true.
async fn wait_until(url: &str, query: &'static str, what: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    let deadline = Instant::now() + Duration::from_secs(300);
    while !sqlx::query_scalar::<_, bool>(query).fetch_one(&mut connection).await? {
        ensure!(Instant::now() < deadline, "not within five minutes: {what}; check the log of ingest");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Exports the `events` table with COPY, in chunks of `rows_per_chunk` rows.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn copy_out(url: &str, rows_per_chunk: i64) -> anyhow::Result<Vec<Bytes>> {
    let mut connection = PgConnection::connect(url).await?;
    let rows: i64 = sqlx::query_scalar("select count(*) from events").fetch_one(&mut connection).await?;
    sqlx::query("create temporary table numbered as select row_number() over (order by id) as n, * from events")
        .execute(&mut connection)
        .await?;
    sqlx::query("create index on numbered (n)").execute(&mut connection).await?;
    let mut chunks = Vec::new();
    for first in (0..rows).step_by(usize::try_from(rows_per_chunk)?) {
        let sql = format!(
            "copy (select {COLUMNS} from numbered where n > {first} and n <= {}) to stdout (format binary)",
            first + rows_per_chunk
        );
        let parts: Vec<Bytes> = connection.copy_out_raw(&sql).await?.try_collect().await?;
        chunks.push(parts.concat().into());
    }
    Ok(chunks)
}

/// Imports the chunks into `events` with COPY over `connections` connections, each chunk in its own transaction.
///
/// # Errors
/// Returns an error if Postgres fails, or rows are missing afterwards.
pub(crate) async fn copy_in(stack: &Stack, chunks: &[Bytes], rows: i64, connections: usize) -> anyhow::Result<CopyResult> {
    let url = stack.database_url();
    truncate(&url).await?;
    let chunks: Arc<[Bytes]> = chunks.into();
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(PgConnection::connect(&url).await?);
    }
    let (started, cpu) = (Instant::now(), postgres_cpu(stack));
    let copying = open.into_iter().enumerate().map(|(first, mut connection)| {
        let chunks = Arc::clone(&chunks);
        tokio::spawn(async move {
            for chunk in chunks.iter().skip(first).step_by(connections) {
                let mut copy = connection.copy_in_raw(&format!("copy events ({COLUMNS}) from stdin (format binary)")).await?;
                copy.send(&chunk[..]).await?;
                copy.finish().await?;
            }
            Ok::<_, sqlx::Error>(())
        })
    });
    for done in futures::future::join_all(copying).await {
        done??;
    }
    let (elapsed, cpu) = (started.elapsed(), postgres_cpu(stack) - cpu);
    ensure!(count_events(&url).await? == rows, "rows are missing after COPY");
    Ok(CopyResult { rows_per_second: rate(rows, elapsed), cpu_us: cpu.as_secs_f64() * 1e6 / rate(rows, Duration::from_secs(1)) })
}

/// Rows per second.
fn rate(rows: i64, elapsed: Duration) -> f64 {
    f64::from(u32::try_from(rows).unwrap_or(u32::MAX)) / elapsed.as_secs_f64()
}

/// The CPU time that Postgres has used so far.
pub(crate) fn postgres_cpu(stack: &Stack) -> Duration {
    stack.pid(Part::Postgres).map_or(Duration::ZERO, cost::cpu)
}

/// A pgbench script that inserts each row in its own statement and transaction. The rows are the same size as those stored by
/// ingest and have unique message ids. Each has thirty common search terms and ten that depend on its number.
const SINGLE_INSERT: &str = r#"\set n random(1, 1000000000000)
insert into events (occurred_at, kind, message_id, recipient, sender, subject, tags, metadata, template, subaccount,
  url, ip, user_agent, country, city, diagnostic, simulated, webhook, search, terms, payload)
values (now(), 'open', (:n::bigint)::text || '-' || :client_id::text, 'person' || (:n::bigint % 50000) || '@mail1.example.com', 'hello@shop1.example.com', 'Your order ' || :n::bigint || ' is on its way – thank you',
  array['orders', 'shop-1'], '{"customer": 4711, "order": "4711", "plan": "gold"}', 'shipping-1', null, null, '198.51.100.7',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36', 'Spain', 'Madrid', null, false,
  'key-1', 'person' || (:n::bigint % 50000) || '@mail1.example.com hello@shop1.example.com your order ' || :n::bigint || ' is on its way – thank you orders shop-1 4711 gold', array[COMMON, NUMBERS], 'PAYLOAD');
"#;

/// Runs pgbench and returns the number of inserts per second.
///
/// # Errors
/// Returns an error if pgbench fails or does not print a rate.
pub(crate) async fn pgbench(stack: &Stack, clients: u32, seconds: u64, payload: usize) -> anyhow::Result<f64> {
    truncate(&stack.database_url()).await?;
    let script = stack.folder().join("single.sql");
    let common: Vec<String> = (1..=30).map(|term| (term << 16).to_string()).collect();
    let numbers: Vec<String> = (0..10).map(|digit| format!("(:n::bigint / {} % 1000)::int", 10_u64.pow(digit))).collect();
    let statement = SINGLE_INSERT.replace("COMMON", &common.join(", ")).replace("NUMBERS", &numbers.join(", "));
    std::fs::write(&script, statement.replace("PAYLOAD", &"x".repeat(payload)))?;
    let mut command = tokio::process::Command::from(stack.postgres_program("pgbench"));
    command.args(["--no-vacuum", "--protocol=prepared", "--jobs=2"]);
    command.arg(format!("--client={clients}")).arg(format!("--time={seconds}")).arg("--file").arg(&script);
    let output = command.stdin(Stdio::null()).output().await.context("running pgbench")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse::<f64>().ok());
    match figure {
        Some(figure) if output.status.success() => Ok(figure),
        _ => bail!("pgbench failed: {text}{}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// Creates the partitions of this many months before the present one.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn create_months(connection: &mut PgConnection, months: u32) -> anyhow::Result<()> {
    let create = format!(
        "do $$
         declare first timestamp;
         begin
           for month in 1..{months} loop
             first := date_trunc('month', now() at time zone 'UTC') - make_interval(months => month);
             execute format('create table if not exists %I partition of events for values from (%L) to (%L)',
                            'events_' || to_char(first, 'YYYY_MM'), first || '+00', first + interval '1 month' || '+00');
           end loop;
         end $$"
    );
    sqlx::raw_sql(AssertSqlSafe(create)).execute(connection).await?;
    Ok(())
}
