//! Benchmark rows for single posts into a database that has many older events, compared with an empty one.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use stack::Part;

use crate::database;
use crate::load::{self, to_f64};
use crate::ours::Ours;
use crate::report::{Row, median};
use crate::run::{is_selected, print_line};

/// Older events.
const OLDER: u32 = 20_000_000;
/// Rounds, each with one run for either database.
const ROUNDS: usize = 7;
/// Posts per second, and posts in a run.
const RATE: f64 = 2_000.0;
const POSTS: usize = 20_000;

/// Inserts older events with minimal payloads and real digests, received from a year to two months ago.
const FILL: &str = "
    insert into events (received_at, occurred_at, simulated, kind, webhook, message_id, recipient, tags, search, terms, payload, digest)
    select at, at, false, 'open', 'main', md5('m' || n), 'person' || n % 100000 || '@example.com', '{}', '', array[n % 1000], '{}', md5(n::text)::uuid
    from (select n, now() - interval '365 days' + n * (interval '300 days' / {ROWS}) as at from generate_series({FIRST}, {LAST}) as n) as numbered";
/// Rows per statement.
const CHUNK: u32 = 1_000_000;

/// The result of one run.
struct Posted {
    p99_ms: f64,
    postgres_us: f64,
}

/// Measures the rows selected by `only`.
///
/// # Errors
/// Returns an error if a run fails.
pub(crate) async fn measure(quick: bool, only: &str) -> anyhow::Result<Vec<Row>> {
    if quick || !is_selected(only, "older_posts") {
        return Ok(Vec::new());
    }
    let (mut empty, mut full) = (Ours::start().await?, Ours::start().await?);
    let mut postgres = PgConnection::connect(&full.stack.database_url()).await?;
    database::create_months(&mut postgres, 13).await?;
    for first in (1..=OLDER).step_by(usize::try_from(CHUNK)?) {
        let last = first + CHUNK - 1;
        let fill = FILL.replace("{ROWS}", &OLDER.to_string()).replace("{FIRST}", &first.to_string());
        sqlx::raw_sql(AssertSqlSafe(fill.replace("{LAST}", &last.to_string()))).execute(&mut postgres).await?;
        print_line(&format!("  {last} of {OLDER} older events"));
    }
    sqlx::raw_sql("vacuum analyze").execute(&mut postgres).await?;
    sqlx::raw_sql("checkpoint").execute(&mut postgres).await?;
    let mut pairs = Vec::new();
    // The first round only warms up.
    for round in 0..=ROUNDS {
        // Neither is always the first, which finds the disk at rest.
        let pair = if round % 2 == 0 {
            (run(&mut empty).await?, run(&mut full).await?)
        } else {
            let with_older = run(&mut full).await?;
            (run(&mut empty).await?, with_older)
        };
        print_line(&format!(
            "  round {round}: empty p99 {:.2} ms, {:.1} µs of Postgres; with older events p99 {:.2} ms, {:.1} µs",
            pair.0.p99_ms, pair.0.postgres_us, pair.1.p99_ms, pair.1.postgres_us
        ));
        if round > 0 {
            pairs.push(pair);
        }
    }
    let of = |value: fn(&Posted) -> f64| {
        let empty = median(pairs.iter().map(|pair| value(&pair.0)).collect());
        (median(pairs.iter().map(|pair| value(&pair.1)).collect()), empty)
    };
    let row = |id, name, unit, (full, empty)| Row::comparison(id, name, unit, full, "an empty database", empty);
    Ok(vec![
        row("older_posts_p99", "p99 of single posts with 20,000,000 older events", "ms", of(|posted| posted.p99_ms)),
        row("older_posts_cpu", "CPU of Postgres per post with 20,000,000 older events", "µs", of(|posted| posted.postgres_us)),
    ])
}

async fn run(ours: &mut Ours) -> anyhow::Result<Posted> {
    let bodies = ours.corpus.bodies(POSTS, 1);
    let before = database::postgres_cpu(&ours.stack);
    let run = load::pace(&ours.stack.direct(Part::Ingest), 32, bodies, RATE).await?;
    database::wait_for_outbox(&ours.stack.database_url()).await?;
    let used: Duration = database::postgres_cpu(&ours.stack) - before;
    Ok(Posted { p99_ms: run.latency_ms(0.99), postgres_us: used.as_secs_f64() * 1e6 / to_f64(run.posts) })
}
