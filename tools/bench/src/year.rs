//! Fills a stack with events of a year: ingest receives, compresses, counts and notifies as usual, under a clock that runs through the year.

use anyhow::ensure;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use stack::{Part, Stack};

use crate::corpus::Corpus;
use crate::database;
use crate::load;
use crate::run::print_line;

/// Connections that post batches, events per batch, and bodies in memory at a time.
const CONNECTIONS: usize = 4;
const SIZE: usize = 1_000;
const BATCHES: usize = 50;
/// The free disk space that an event needs while the data is filled, in bytes.
const DISK_BYTES: u64 = 3_500;
/// How fast the clock runs: a part of the year takes a few seconds.
const SPEED: u32 = 20_000;

/// The services look for functions in `public` first, and so find a `now()` that runs through the year. Keys of repeats are as if the year had passed.
const CLOCK: &str = "
    create table clock (starts_at timestamptz not null, set_at timestamptz not null);
    insert into clock values (now(), now());
    create function public.now() returns timestamptz language sql stable as
      'select least(pg_catalog.now(), starts_at + (pg_catalog.now() - set_at) * {SPEED}) from public.clock';
    grant select on clock to mandrill_service;
    alter role mandrill_service set search_path = public, pg_catalog;
    update key_window set first_day = 0, late_before = 0;";

const NO_CLOCK: &str = "
    alter role mandrill_service reset search_path;
    drop function public.now();
    drop table clock;
    truncate recent_keys;
    update key_window set first_day = week * 7, late_before = week * 7
    from (select (extract(epoch from now())::bigint / 86400 / 7 - 7)::integer as week) as weeks";

/// Posts `events` events, from a year ago until now.
///
/// # Errors
/// Returns an error if there is too little disk space, or a delivery fails.
pub(crate) async fn fill(stack: &mut Stack, events: u32) -> anyhow::Result<()> {
    let space = rustix::fs::statvfs(stack.folder())?;
    let needed = u64::from(events) * DISK_BYTES;
    ensure!(space.f_bavail * space.f_frsize > needed, "{} GB of free disk space are needed", needed >> 30);
    let mut postgres = PgConnection::connect(&stack.database_url()).await?;
    sqlx::raw_sql(AssertSqlSafe(CLOCK.replace("{SPEED}", &SPEED.to_string()))).execute(&mut postgres).await?;
    database::create_months(&mut postgres, 12).await?;
    stack.restart(Part::Ingest)?;
    let mut corpus = Corpus::new(&stack.settings().webhook_keys, &stack.webhook_url());
    let parts = usize::try_from(events)? / (BATCHES * SIZE);
    for part in 0..parts {
        let left = f64::from(u32::try_from(parts - part)?) / f64::from(u32::try_from(parts)?) * 364.0;
        let set = sqlx::query_scalar(
            "update clock set starts_at = pg_catalog.now() - $1 * interval '1 day', set_at = pg_catalog.now()
             returning extract(epoch from starts_at)::bigint",
        );
        let starts_at: i64 = set.bind(left).fetch_one(&mut postgres).await?;
        corpus.set_clock(starts_at.cast_unsigned());
        let bodies = corpus.bodies(BATCHES, SIZE);
        // What was built does not pass on the clock.
        sqlx::query("update clock set set_at = pg_catalog.now()").execute(&mut postgres).await?;
        load::flood(&stack.direct(Part::Ingest), CONNECTIONS, bodies, None).await?;
        if part == 0 {
            database::learn_common_words(stack).await?;
        }
        if part % 20 == 19 {
            print_line(&format!("  {} of {events} events", (part + 1) * BATCHES * SIZE));
        }
    }
    database::wait_for_outbox(&stack.database_url()).await?;
    stack.stop(Part::Ingest);
    sqlx::raw_sql(NO_CLOCK).execute(&mut postgres).await?;
    stack.restart(Part::Ingest)?;
    Ok(())
}
