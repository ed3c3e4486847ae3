//! Postgres as both sides meet it: emptied before each run, counted after it, and filled without us for comparison.

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
    url, ip, user_agent, country, city, diagnostic, simulated, webhook, search, terms, payload";

/// What filling the table without us took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filled {
    /// Rows a second.
    pub rows_per_second: f64,
    /// CPU of Postgres, in microseconds a row.
    pub cpu_us: f64,
}

/// Checkpoints and vacuums of what came before must not fall into a run.
///
/// # Errors
/// When Postgres fails.
pub(crate) async fn prepare(url: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    for setting in ["max_wal_size = '16GB'", "checkpoint_timeout = '1h'", "autovacuum_naptime = '1h'"] {
        sqlx::query(AssertSqlSafe(format!("alter system set {setting}"))).execute(&mut connection).await?;
    }
    sqlx::query("select pg_reload_conf()").execute(&mut connection).await?;
    Ok(())
}

/// Empties everything that a run fills.
///
/// # Errors
/// When Postgres fails.
pub(crate) async fn empty(url: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query("truncate events, event_keys, notifications, outbox, event_count_deltas, quarantine")
        .execute(&mut connection)
        .await?;
    sqlx::query("checkpoint").execute(&mut connection).await?;
    Ok(())
}

/// Stores so many events past ingest, as a busy shop would have them.
///
/// # Errors
/// When Postgres fails.
pub(crate) async fn fill(url: &str, rows: u32) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query(AssertSqlSafe(format!("set fill.rows = '{rows}'"))).execute(&mut connection).await?;
    sqlx::raw_sql(include_str!("../fill.sql")).execute(&mut connection).await?;
    Ok(())
}

/// Rows of `events`.
///
/// # Errors
/// When Postgres fails.
pub(crate) async fn count(url: &str) -> anyhow::Result<i64> {
    let mut connection = PgConnection::connect(url).await?;
    Ok(sqlx::query_scalar("select count(*) from events").fetch_one(&mut connection).await?)
}

/// Returns once the relay has caught up.
///
/// # Errors
/// When Postgres fails, or the relay takes over five minutes.
pub(crate) async fn drained(url: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    let deadline = Instant::now() + Duration::from_secs(300);
    loop {
        let left: bool = sqlx::query_scalar("select exists (select from outbox)").fetch_one(&mut connection).await?;
        if !left {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "the outbox does not empty");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The rows that are in `events`, as COPY gives and takes them, in pieces of so many rows.
///
/// # Errors
/// When Postgres fails.
pub(crate) async fn take_rows(url: &str, piece: i64) -> anyhow::Result<Vec<Bytes>> {
    let mut connection = PgConnection::connect(url).await?;
    let rows: i64 = sqlx::query_scalar("select count(*) from events").fetch_one(&mut connection).await?;
    sqlx::query("create temporary table numbered as select row_number() over (order by id) as place, * from events")
        .execute(&mut connection)
        .await?;
    sqlx::query("create index on numbered (place)").execute(&mut connection).await?;
    let mut pieces = Vec::new();
    for first in (0..rows).step_by(usize::try_from(piece)?) {
        let sql = format!(
            "copy (select {COLUMNS} from numbered where place > {first} and place <= {}) to stdout (format binary)",
            first + piece
        );
        let parts: Vec<Bytes> = connection.copy_out_raw(&sql).await?.try_collect().await?;
        pieces.push(parts.concat().into());
    }
    Ok(pieces)
}

/// COPY of the pieces into `events`, a transaction each, over so many connections.
///
/// # Errors
/// When Postgres fails, or not every row arrives.
pub(crate) async fn copy_in(stack: &Stack, pieces: &[Bytes], rows: i64, connections: usize) -> anyhow::Result<Filled> {
    let url = stack.database_url();
    empty(&url).await?;
    let pieces: Arc<[Bytes]> = pieces.into();
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(PgConnection::connect(&url).await?);
    }
    let (began, cpu) = (Instant::now(), cpu_of(stack));
    let copying = open.into_iter().enumerate().map(|(first, mut connection)| {
        let pieces = Arc::clone(&pieces);
        tokio::spawn(async move {
            for piece in pieces.iter().skip(first).step_by(connections) {
                let mut copy = connection.copy_in_raw(&format!("copy events ({COLUMNS}) from stdin (format binary)")).await?;
                copy.send(&piece[..]).await?;
                copy.finish().await?;
            }
            Ok::<_, sqlx::Error>(())
        })
    });
    for done in futures::future::join_all(copying).await {
        done??;
    }
    let (took, cpu) = (began.elapsed(), cpu_of(stack) - cpu);
    ensure!(count(&url).await? == rows, "COPY left rows out");
    Ok(Filled { rows_per_second: rate(rows, took), cpu_us: cpu.as_secs_f64() * 1e6 / rate(rows, Duration::from_secs(1)) })
}

/// Rows over time.
fn rate(rows: i64, took: Duration) -> f64 {
    f64::from(u32::try_from(rows).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

/// CPU of Postgres so far.
pub(crate) fn cpu_of(stack: &Stack) -> Duration {
    stack.pid(Part::Postgres).map_or(Duration::ZERO, cost::cpu)
}

/// One row of `events` in a statement and transaction of its own, as pgbench runs it. A row of the same size as ours, each
/// with a message of its own; columns that vary, vary, and with them the terms: thirty that most events have, ten of numbers.
const SINGLE: &str = r#"\set n random(1, 1000000000000)
insert into events (occurred_at, kind, message_id, recipient, sender, subject, tags, metadata, template, subaccount,
  url, ip, user_agent, country, city, diagnostic, simulated, webhook, search, terms, payload)
values (now(), 'open', (:n::bigint)::text || '-' || :client_id::text, 'person' || (:n::bigint % 50000) || '@mail1.example.com', 'hello@shop1.example.com', 'Your order ' || :n::bigint || ' is on its way – thank you',
  array['orders', 'shop-1'], '{"customer": 4711, "order": "4711", "plan": "gold"}', 'shipping-1', null, null, '198.51.100.7',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36', 'Spain', 'Madrid', null, false,
  'key-1', 'person' || (:n::bigint % 50000) || '@mail1.example.com hello@shop1.example.com your order ' || :n::bigint || ' is on its way – thank you orders shop-1 4711 gold', array[COMMON, NUMBERS], 'PAYLOAD');
"#;

/// pgbench with so many clients for so long; gives inserts a second.
///
/// # Errors
/// When pgbench fails, or prints no figure.
pub(crate) async fn pgbench(stack: &Stack, clients: u32, seconds: u64, payload: usize) -> anyhow::Result<f64> {
    empty(&stack.database_url()).await?;
    let script = stack.folder().join("single.sql");
    let common: Vec<String> = (1..=30).map(|term| (term << 16).to_string()).collect();
    let numbers: Vec<String> = (0..10).map(|digit| format!("(:n::bigint / {} % 1000)::int", 10_u64.pow(digit))).collect();
    let statement = SINGLE.replace("COMMON", &common.join(", ")).replace("NUMBERS", &numbers.join(", "));
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
