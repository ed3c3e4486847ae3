//! Benchmark rows for how long a post takes while retention drops a month of a large table.

use anyhow::ensure;
use sqlx::{Connection, PgConnection};
use stack::Part;

use crate::load;
use crate::ours::Ours;
use crate::report::Row;

/// Posts per second.
const RATE: f64 = 500.0;
const POSTS: usize = 10_000;

/// Inserts a million rows, 700,000 of them in a month that is due for deletion.
const FILL: &str = "
    create table events_2020_01 (like events including defaults including constraints);
    alter table events attach partition events_2020_01 for values from ('2020-01-01 00:00+00') to ('2020-02-01 00:00+00');
    insert into events (received_at, occurred_at, kind, message_id, recipient, subject, tags, simulated, webhook, search, terms, payload)
    select at, at, 'open', 'm' || n, 'person' || n % 50000 || '@example.com', 'Your order ' || n, array['orders'], false, 'main',
           'person your order', '{}', repeat('x', 1000)
    from (select n, case when n % 10 < 7 then timestamptz '2020-01-15' else now() end as at from generate_series(1, 1000000) as n) as made";

pub(crate) async fn measure() -> anyhow::Result<Vec<Row>> {
    let mut ours = Ours::start().await?;
    let mut connection = PgConnection::connect(&ours.stack.database_url()).await?;
    sqlx::raw_sql(FILL).execute(&mut connection).await?;
    // Write the filled pages to disk and warm up the service before the run.
    sqlx::raw_sql("checkpoint").execute(&mut connection).await?;
    let warm = ours.corpus.bodies(500, 1);
    load::pace(&ours.stack.direct(Part::Ingest), 64, warm, RATE).await?;
    let bodies = ours.corpus.bodies(POSTS, 1);
    let address = ours.stack.direct(Part::Ingest);
    let posting = tokio::spawn(async move { load::pace(&address, 64, bodies, RATE).await });
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let output = tokio::task::block_in_place(|| ours.stack.ingest_with(&["retention"], &[("RETENTION_DAYS", "30")]))?;
    ensure!(output.contains("events_2020_01"), "retention did not drop events_2020_01: {output}");
    let run = posting.await??;
    ensure!(run.posts == POSTS, "{} of {POSTS} posts were accepted", run.posts);
    let deleted: i64 = sqlx::query_scalar(
        "select coalesce(sum(n_tup_del), 0)::bigint from pg_stat_user_tables where relname ~ '^events(_[0-9]|$)'",
    )
    .fetch_one(&mut connection)
    .await?;
    ensure!(deleted == 0, "retention deleted {deleted} rows one by one");
    let remaining: i64 =
        sqlx::query_scalar("select count(*) from events where received_at < '2021-01-01'").fetch_one(&mut connection).await?;
    ensure!(remaining == 0, "{remaining} rows of the dropped month remain");
    Ok(vec![
        Row::figure(
            "ingest_retention_max",
            "Longest post while a month of 700,000 rows is dropped, 500 posts/s",
            "ms",
            run.latency_ms(1.0),
        ),
        Row::figure("ingest_retention_p99", "p99 of posts while the month is dropped", "ms", run.latency_ms(0.99)),
    ])
}
