//! Benchmark rows for what an event takes on disk, and in the write-ahead log.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::corpus::Body;
use crate::database;
use crate::load::{self, to_f64};
use crate::ours::Ours;
use crate::peers::{DJANGO_TUNED, Indexes, Peer};
use crate::report::Row;
use crate::run::{is_selected, print_line};

/// Number of connections that post batches.
const CONNECTIONS: usize = 4;
/// Events per batch.
const SIZE: usize = 1_000;
/// Bodies that are in memory at a time.
const BATCHES: usize = 100;
/// How often upkeep runs in a week: every ten minutes.
const UPKEEP_ROUNDS: usize = 7 * 24 * 6;

/// What a database takes per event, in bytes.
#[derive(Debug, Clone, Copy)]
struct Taken {
    /// All tables and indexes, after a vacuum.
    disk: f64,
    /// The write-ahead log.
    wal: f64,
}

/// Measures the rows selected by `only`.
///
/// # Errors
/// Returns an error if a run fails.
pub(crate) async fn measure(quick: bool, only: &str) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    // One of the ids begins with the other.
    if only != "disk_event_week" && ["disk_event", "wal_event"].iter().any(|id| is_selected(only, id)) {
        rows.extend(after_loading(quick).await?);
    }
    if is_selected(only, "disk_event_week") {
        rows.push(after_a_week(quick).await?);
    }
    Ok(rows)
}

/// What an event takes after a week of upkeep: a batch arrives before each of its runs.
async fn after_a_week(quick: bool) -> anyhow::Result<Row> {
    let rounds = if quick { UPKEEP_ROUNDS / 12 } else { UPKEEP_ROUNDS };
    let mut ours = Ours::start().await?;
    let url = ours.stack.database_url();
    let address = ours.stack.direct(stack::Part::Ingest);
    let before = Size::of(&url).await?;
    for _ in 0..rounds {
        load::flood(&address, 1, ours.corpus.bodies(1, SIZE), None).await?;
        ours.stack.ingest(&["upkeep"])?;
    }
    database::wait_for_outbox(&url).await?;
    let taken = before.taken(&url, rounds * SIZE).await?;
    for (table, bytes) in tables(&url, rounds * SIZE).await? {
        print_line(&format!("  {table}: {bytes:.0} B per event"));
    }
    Ok(Row::figure("disk_event_week", "Disk space per event after as many upkeep runs as in a week", "B", taken.disk))
}

/// What an event takes once all have arrived, beside peers.
async fn after_loading(quick: bool) -> anyhow::Result<Vec<Row>> {
    let rounds = if quick { 1 } else { 10 };
    let mut ours = Ours::start().await?;
    let url = ours.stack.database_url();
    let address = ours.stack.direct(stack::Part::Ingest);
    let mut before = Size::of(&url).await?;
    for _ in 0..rounds {
        let bodies = ours.corpus.bodies(BATCHES, SIZE);
        load::flood(&address, CONNECTIONS, bodies, None).await?;
        database::wait_for_outbox(&url).await?;
    }
    let mine = before.taken(&url, rounds * BATCHES * SIZE).await?;
    for (table, bytes) in tables(&url, rounds * BATCHES * SIZE).await? {
        print_line(&format!("  {table}: {bytes:.0} B per event"));
    }
    for (column, bytes) in columns(&url).await? {
        print_line(&format!("  events.{column}: {bytes:.0} B per event"));
    }
    let mut rows = Vec::new();
    let mut compare = |name: &str, ids: [&'static str; 2], theirs: Taken| {
        print_line(&format!("{name}: {:.0} B on disk, {:.0} B of WAL per event", theirs.disk, theirs.wal));
        rows.push(Row::comparison(ids[0], "Disk space per event, all tables and indexes", "B", mine.disk, name, theirs.disk));
        rows.push(Row::comparison(ids[1], "Write-ahead log per event", "B", mine.wal, name, theirs.wal));
    };
    if let Some(peer) = Peer::start(DJANGO_TUNED, Indexes::Search, &ours.stack).await? {
        before = Size::of(&peer.database).await?;
        for _ in 0..rounds {
            load::flood(&peer.address, CONNECTIONS, ours.corpus.bodies(BATCHES, SIZE), None).await?;
        }
        let theirs = before.taken(&peer.database, rounds * BATCHES * SIZE).await?;
        compare("Django REST Framework, tuned, with search", ["disk_event", "wal_event"], theirs);
    }
    let plain = database::create(&ours.stack, "plain_rows").await?;
    before = Size::of(&plain).await?;
    for _ in 0..rounds {
        insert_as_jsonb(&plain, ours.corpus.bodies(BATCHES, SIZE)).await?;
    }
    let theirs = before.taken(&plain, rounds * BATCHES * SIZE).await?;
    compare("plain rows of jsonb without indexes", ["disk_event_jsonb", "wal_event_jsonb"], theirs);
    Ok(rows)
}

/// The size of a database and the position of the write-ahead log.
struct Size {
    disk: i64,
    wal: i64,
}

impl Size {
    async fn of(url: &str) -> anyhow::Result<Self> {
        let mut connection = PgConnection::connect(url).await?;
        let wal = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";
        let wal = sqlx::query_scalar(wal).fetch_one(&mut connection).await?;
        sqlx::query("vacuum (analyze)").execute(&mut connection).await?;
        let disk = "select coalesce(sum(pg_total_relation_size(oid)), 0)::bigint from pg_class
                    where relkind in ('r', 'm') and relnamespace = current_schema()::regnamespace";
        Ok(Self { disk: sqlx::query_scalar(disk).fetch_one(&mut connection).await?, wal })
    }

    /// What has been taken since, per event.
    async fn taken(&self, url: &str, events: usize) -> anyhow::Result<Taken> {
        let now = Self::of(url).await?;
        let each = |bytes: i64| to_f64(usize::try_from(bytes).unwrap_or_default()) / to_f64(events);
        Ok(Taken { disk: each(now.disk - self.disk), wal: each(now.wal - self.wal) })
    }
}

/// What the largest tables and indexes take per event. Partitions count as one table.
async fn tables(url: &str, events: usize) -> anyhow::Result<Vec<(String, f64)>> {
    let mut connection = PgConnection::connect(url).await?;
    let sizes: Vec<(String, i64)> = sqlx::query_as(
        "select regexp_replace(relname, '_[0-9]{4}_[0-9]{2}', '') || case relkind when 'i' then ' (index)' else '' end,
                sum(pg_table_size(oid))::bigint
         from pg_class where relkind in ('r', 'i', 'm') and relnamespace = current_schema()::regnamespace
         group by 1 order by 2 desc limit 16",
    )
    .fetch_all(&mut connection)
    .await?;
    Ok(sizes
        .into_iter()
        .map(|(name, bytes)| (name, to_f64(usize::try_from(bytes).unwrap_or_default()) / to_f64(events)))
        .collect())
}

/// What the columns of an event take, on average.
async fn columns(url: &str) -> anyhow::Result<Vec<(String, f64)>> {
    let mut connection = PgConnection::connect(url).await?;
    let sizes = "select string_agg(format('select %L, avg(coalesce(pg_column_size(%I), 0))::float8 from sample', attname, attname), ' union all ')
                 from pg_attribute where attrelid = 'events'::regclass and attnum > 0 and not attisdropped";
    let sizes: String = sqlx::query_scalar(sizes).fetch_one(&mut connection).await?;
    let sizes = format!("with sample as (select * from events order by id desc limit 10000) {sizes} order by 2 desc limit 12");
    Ok(sqlx::query_as(AssertSqlSafe(sizes)).fetch_all(&mut connection).await?)
}

/// Stores the elements of the bodies as rows of jsonb.
async fn insert_as_jsonb(url: &str, bodies: Vec<Body>) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    let create = "create table if not exists plain_rows (
                    id bigint generated always as identity primary key, received_at timestamptz not null default now(), payload jsonb not null)";
    sqlx::query(create).execute(&mut connection).await?;
    for body in bodies {
        let events = form_urlencoded::parse(&body.form).next().map(|(_, value)| value.into_owned()).unwrap_or_default();
        sqlx::query("insert into plain_rows (payload) select * from jsonb_array_elements($1::text::jsonb)")
            .bind(events)
            .execute(&mut connection)
            .await?;
    }
    Ok(())
}
