//! Deliveries into Postgres: events, notifications, outbox, counts and quarantine in one transaction.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{Connection, PgPool};
use time::OffsetDateTime;

use crate::outbox::handoff as announce;
use crate::outbox::handoff::{Relay, Told};
use crate::store::copy::{self, Row};
use crate::store::counts::{Counts, Outcome};
use crate::store::{insert, partitions, quarantine};
use crate::webhook::batch::{Batch, Poison};
use crate::webhook::event::NewEvent;
use crate::webhook::queue::{Receipt, Source};

/// How often a transaction that lost a deadlock or a serialisation race is tried again.
const TRIES: u32 = 5;

/// Bytes of payloads from which COPY in several steps beats one statement.
const COPY_FROM: usize = 256 << 10;

/// A batch and who vouched for it.
pub(crate) type Vouched<'a> = (Batch<'a>, &'a Source);

/// Commits batches together, each event once over all deliveries and replicas; gives what became of each batch. On `Ok` it is durable.
///
/// # Errors
/// When Postgres is away or fails for a reason that is no single event's fault. Then nothing of them is stored.
pub(crate) async fn store<'a>(pool: &PgPool, batches: &'a [Vouched<'a>]) -> Result<Written<'a>, sqlx::Error> {
    let mut tries = 0;
    let mut care = Care::Quick;
    loop {
        match try_store(pool, batches, care).await {
            Err(error) if is_about_the_data(&error) && care == Care::Quick => care = Care::FindRefused,
            Err(error) if is_race(&error) && tries < TRIES => {
                tries += 1;
                metrics::counter!("ingest_commit_retries_total").increment(1);
                tokio::time::sleep(Duration::from_millis(u64::from(10 * tries))).await;
            }
            Err(error) if is_missing_partition(&error) && tries < TRIES => {
                tries += 1;
                partitions::make_ahead(pool).await?;
            }
            outcome => return outcome,
        }
    }
}

async fn try_store<'a>(pool: &PgPool, batches: &'a [Vouched<'a>], care: Care) -> Result<Written<'a>, sqlx::Error> {
    let candidates = candidates(batches);
    if care == Care::Quick && are_simple(batches, &candidates) {
        let mut connection = pool.acquire().await?;
        let inserted = insert::insert(&mut connection, &candidates).await?;
        return Ok(Written::of(batches, inserted));
    }
    let mut transaction = pool.begin().await?;
    let written = write(&mut transaction, batches, care).await?;
    transaction.commit().await?;
    Ok(written)
}

/// True when one statement can do all: few events, no poison, and nothing twice.
fn are_simple(batches: &[Vouched<'_>], candidates: &[Candidate<'_>]) -> bool {
    let size: usize = candidates.iter().map(|candidate| candidate.event.payload.len()).sum();
    let received: usize = batches.iter().map(|(batch, _)| batch.received).sum();
    size < COPY_FROM && received == candidates.len() && received > 0
}

/// The events that are not among those before them, in the order of their digests: transactions that overlap wait for each
/// other instead of deadlocking.
fn candidates<'a>(batches: &'a [Vouched<'a>]) -> Vec<Candidate<'a>> {
    let mut candidates: Vec<Candidate<'_>> = batches
        .iter()
        .enumerate()
        .flat_map(|(batch, (events, source))| events.events.iter().map(move |event| (batch, event, *source)))
        .enumerate()
        .map(|(place, (batch, event, source))| Candidate { digest: event.digest, batch, place, event, source })
        .collect();
    candidates.sort_unstable_by_key(|candidate| (u128::from_be_bytes(candidate.digest), candidate.place));
    candidates.dedup_by_key(|candidate| candidate.digest);
    candidates
}

/// How the events of a transaction are inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// All at once; one that Postgres refuses fails the transaction.
    Quick,
    /// By halves where Postgres refuses some, until those are found.
    FindRefused,
}

/// An event, and the batch that it came with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    /// The event's, beside it: thousands are sorted by it.
    pub(crate) digest: [u8; 16],
    pub(crate) batch: usize,
    /// Its place among all that came.
    pub(crate) place: usize,
    pub(crate) event: &'a NewEvent<'a>,
    pub(crate) source: &'a Source,
}

/// What a transaction did with its candidates.
#[derive(Debug, Default)]
pub(crate) struct Inserted<'a> {
    /// New events.
    pub(crate) rows: Vec<Row<'a>>,
    /// What Postgres refused, and why.
    refused: Vec<(Candidate<'a>, String)>,
    /// Where they are announced; none while that is not written.
    pub(crate) told: Option<Told>,
}

/// What a transaction wrote; it counts once that has committed.
#[derive(Debug)]
pub(crate) struct Written<'a> {
    /// What became of each batch.
    pub(crate) receipts: Vec<Receipt>,
    /// For the metrics.
    pub(crate) counts: Counts<'a>,
    rows: Vec<Row<'a>>,
    told: Option<Told>,
}

impl<'a> Written<'a> {
    fn of(batches: &'a [Vouched<'a>], inserted: Inserted<'a>) -> Self {
        let (receipts, counts) = (receipts(batches, &inserted), counts(batches, &inserted));
        Self { receipts, counts, rows: inserted.rows, told: inserted.told }
    }

    /// Hands the relay what it publishes, once the transaction has committed.
    pub(crate) fn tell(self, relay: &Relay, size: usize) {
        if let Some(told) = self.told {
            relay.tell(told, self.rows, size);
        }
    }
}

/// Writes batches inside a transaction.
pub(crate) async fn write<'a>(
    connection: &mut PgConnection,
    batches: &'a [Vouched<'a>],
    care: Care,
) -> Result<Written<'a>, sqlx::Error> {
    let candidates = candidates(batches);
    let mut inserted = Inserted::default();
    let at = match care {
        Care::Quick => copy_new(connection, &candidates, &mut inserted).await?,
        Care::FindRefused => copy_bisecting(connection, &candidates, &mut inserted).await?,
    };
    keep_apart(connection, batches, &inserted).await?;
    if let Some(at) = at {
        inserted.told = announce::write(connection, &inserted.rows, at).await?;
    }
    let written = Written::of(batches, inserted);
    written.counts.write(connection).await?;
    Ok(written)
}

/// The time of receipt of what was stored, if anything was.
type Received = Option<OffsetDateTime>;

/// As [`copy_new`], by halves where Postgres refuses some of the candidates.
fn copy_bisecting<'c, 'a: 'c>(
    connection: &'c mut PgConnection,
    candidates: &'c [Candidate<'a>],
    inserted: &'c mut Inserted<'a>,
) -> Pin<Box<dyn Future<Output = Result<Received, sqlx::Error>> + Send + 'c>> {
    Box::pin(async move {
        let mut savepoint = connection.begin().await?;
        let error = match copy_new(&mut savepoint, candidates, inserted).await {
            Ok(at) => return savepoint.commit().await.map(|()| at),
            Err(error) => error,
        };
        savepoint.rollback().await?;
        if !is_about_the_data(&error) {
            return Err(error);
        }
        if let [candidate] = candidates {
            let why = error.as_database_error().map_or_else(String::new, |error| error.message().to_owned());
            inserted.refused.push((*candidate, format!("Postgres refused the event: {why}.")));
            return Ok(None);
        }
        let (left, right) = candidates.split_at(candidates.len() / 2);
        let first = copy_bisecting(connection, left, inserted).await?;
        let second = copy_bisecting(connection, right, inserted).await?;
        Ok(first.or(second))
    })
}

/// The candidates' keys, and rows for those whose key was new. Ids follow the events' own times, so that a list reads in order.
async fn copy_new<'a>(
    connection: &mut PgConnection,
    candidates: &[Candidate<'a>],
    inserted: &mut Inserted<'a>,
) -> Result<Received, sqlx::Error> {
    let digests: Vec<&[u8]> = candidates.iter().map(|candidate| &candidate.digest[..]).collect();
    // One row for all of them: a thousand would cost both sides more than the keys do.
    let won = sqlx::query!(
        r#"with won as (
             insert into event_keys (digest) select unnest($1::bytea[]) on conflict do nothing returning digest
           )
           select string_agg(digest, '') as digests, array_agg(nextval('events_id_seq')) as ids, now() as "at!" from won"#,
        &digests as &[&[u8]]
    )
    .fetch_one(&mut *connection)
    .await?;
    let (Some(digests), Some(mut ids)) = (won.digests, won.ids) else { return Ok(None) };
    let (mut won, at) = (digests.as_chunks::<16>().0.to_vec(), won.at);
    won.sort_unstable();
    ids.sort_unstable();
    let mut winners: Vec<&Candidate<'_>> =
        candidates.iter().filter(|candidate| won.binary_search(&candidate.digest).is_ok()).collect();
    winners.sort_unstable_by_key(|winner| (winner.event.occurred_at.unwrap_or(at).unix_timestamp_nanos(), winner.place));
    let rows: Vec<Row<'_>> = winners
        .into_iter()
        .zip(ids)
        .map(|(&Candidate { batch, event, source, .. }, id)| Row { batch, id, event, source })
        .collect();
    copy::copy(connection, &rows, at).await?;
    inserted.rows.extend(rows);
    Ok(Some(at))
}

/// Quarantines the batches' poison, and what Postgres refused.
async fn keep_apart(connection: &mut PgConnection, batches: &[Vouched<'_>], inserted: &Inserted<'_>) -> Result<(), sqlx::Error> {
    let refused = inserted.refused.iter().map(|(candidate, why)| {
        (Poison::of_element(candidate.event.payload, "refused_by_postgres", why.clone()), candidate.source)
    });
    let poison = batches.iter().flat_map(|(batch, source)| batch.poison.iter().map(|poison| (poison.clone(), *source)));
    quarantine::keep(connection, &poison.chain(refused).collect::<Vec<_>>()).await
}

fn receipts(batches: &[Vouched<'_>], inserted: &Inserted<'_>) -> Vec<Receipt> {
    let mut receipts: Vec<Receipt> = batches
        .iter()
        .map(|(batch, _)| Receipt { received: batch.received, stored: 0, duplicates: 0, quarantined: batch.poison.len() })
        .collect();
    for row in &inserted.rows {
        receipts[row.batch].stored += 1;
    }
    for (candidate, _) in &inserted.refused {
        receipts[candidate.batch].quarantined += 1;
    }
    for receipt in &mut receipts {
        receipt.duplicates = receipt.received - receipt.stored - receipt.quarantined;
    }
    receipts
}

fn counts<'a>(batches: &'a [Vouched<'a>], inserted: &Inserted<'a>) -> Counts<'a> {
    let mut counts = Counts::default();
    // Each is taken for a duplicate first; kinds are few, so they are summed before they are counted.
    for (batch, source) in batches {
        let mut kinds = HashMap::new();
        for event in &batch.events {
            *kinds.entry(&*event.kind).or_insert(0) += 1;
        }
        for (kind, count) in kinds {
            counts.add(source, kind, Outcome::Duplicate, count);
        }
        counts.add(source, "", Outcome::Quarantined, i64::try_from(batch.poison.len()).unwrap_or(i64::MAX));
    }
    let mut stored: HashMap<_, (&Source, i64)> = HashMap::new();
    for row in &inserted.rows {
        stored.entry((row.source.label(), &*row.event.kind)).or_insert((row.source, 0)).1 += 1;
    }
    for ((_, kind), (source, count)) in stored {
        counts.add(source, kind, Outcome::Duplicate, -count);
        counts.add(source, kind, Outcome::Stored, count);
    }
    for (candidate, _) in &inserted.refused {
        counts.add(candidate.source, &candidate.event.kind, Outcome::Duplicate, -1);
        counts.add(candidate.source, "", Outcome::Quarantined, 1);
    }
    counts
}

fn sqlstate(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

/// A deadlock or serialisation failure: the same again may pass.
fn is_race(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|code| code == "40P01" || code == "40001")
}

/// Data that Postgres refuses: a text it cannot hold, a time out of range, a row too large for an index.
pub(crate) fn is_about_the_data(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|code| code.starts_with("22") || code.starts_with("54"))
}

/// No partition for the month, the only check that an insert of ours can fail: the database's clock was moved, or upkeep was
/// away for months.
fn is_missing_partition(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|code| code == "23514")
}
