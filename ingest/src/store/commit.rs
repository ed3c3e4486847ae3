//! Writes deliveries to Postgres: events, notifications, outbox, counts and quarantine in one transaction.
//!
//! A small transaction uses a single statement ([`insert`]); a large one uses COPY in several steps ([`copy`]).

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::types::Uuid;
use sqlx::{Connection, PgPool};
use time::OffsetDateTime;

use super::counts::Counts;
use super::inserted::Inserted;
use super::keys::Keys;
use super::outbox::{self, OutboxRow};
use super::row::{Candidate, Row};
use super::{copy, facets, insert, partitions, quarantine, sqlstate};
use crate::webhook::batch::{Poison, VerifiedBatch};
use crate::webhook::delivery::Receipt;

/// Maximum number of retries for a transaction that failed with a transient error.
const MAX_RETRIES: u32 = 5;
/// Payload size in bytes from which COPY in several steps costs less than a single statement.
const COPY_FROM_BYTES: usize = 256 << 10;

/// How a transaction inserts its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InsertMode {
    /// Inserts all events at once. If Postgres rejects an event, the transaction fails.
    Bulk,
    /// Bisects the events if Postgres rejects some of them, until each rejected event is found.
    Bisect,
}

/// The data written by a transaction. It takes effect when the transaction commits.
#[derive(Debug)]
pub(crate) struct Written<'a> {
    /// The response for each batch.
    pub(crate) receipts: Vec<Receipt>,
    /// Counts for the metrics.
    pub(crate) counts: Counts<'a>,
    /// The new events.
    pub(crate) rows: Vec<Row<'a>>,
    /// The outbox row that announces them.
    pub(crate) outbox: Option<OutboxRow>,
}

impl<'a> Written<'a> {
    fn new(batches: &'a [VerifiedBatch<'a>], inserted: Inserted<'a>) -> Self {
        let receipts = receipts(batches, &inserted);
        let counts = Counts::of(batches, &inserted);
        Self { receipts, counts, rows: inserted.rows, outbox: inserted.outbox }
    }
}

/// Commits batches in one transaction. Each event is stored once across all deliveries and replicas. If this returns `Ok`, everything is
/// durable.
///
/// # Errors
/// Returns an error if Postgres is unavailable, or fails for a reason not caused by a single event. Nothing is stored in that case.
pub(crate) async fn commit<'a>(pool: &PgPool, batches: &'a [VerifiedBatch<'a>]) -> Result<Written<'a>, sqlx::Error> {
    let mut retries = 0;
    let mut mode = InsertMode::Bulk;
    loop {
        match try_commit(pool, batches, mode).await {
            Err(error) if sqlstate::is_invalid_data(&error) && mode == InsertMode::Bulk => mode = InsertMode::Bisect,
            Err(error) if sqlstate::is_conflict(&error) && retries < MAX_RETRIES => {
                retries += 1;
                metrics::counter!("ingest_commit_retries_total").increment(1);
                tokio::time::sleep(Duration::from_millis(u64::from(10 * retries))).await;
            }
            Err(error) if sqlstate::is_missing_partition(&error) && retries < MAX_RETRIES => {
                retries += 1;
                partitions::create_ahead(pool).await?;
            }
            outcome => return outcome,
        }
    }
}

/// The digests of those events of batches that are new. Changes nothing.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn preview(pool: &PgPool, batches: &[VerifiedBatch<'_>]) -> Result<Vec<[u8; 16]>, sqlx::Error> {
    let candidates = candidates(batches);
    let keys = Keys::of(&candidates);
    let mut transaction = pool.begin().await?;
    let won = sqlx::query_scalar!(
        r#"select digest as "digest!" from claim_keys($1, $2, $3, $4) as won (digest)"#,
        &keys.digests,
        &keys.keys as &[Option<Uuid>],
        &keys.days as &[Option<i32>],
        &keys.messages as &[Option<&str>]
    );
    let won = won.fetch_all(&mut *transaction).await?;
    transaction.rollback().await?;
    Ok(won.into_iter().map(Uuid::into_bytes).collect())
}

async fn try_commit<'a>(pool: &PgPool, batches: &'a [VerifiedBatch<'a>], mode: InsertMode) -> Result<Written<'a>, sqlx::Error> {
    let candidates = candidates(batches);
    if mode == InsertMode::Bulk && fits_one_statement(batches, &candidates) {
        let mut connection = pool.acquire().await?;
        let inserted = insert::insert(&mut connection, &candidates).await?;
        return Ok(Written::new(batches, inserted));
    }
    let mut transaction = pool.begin().await?;
    let written = write(&mut transaction, batches, mode).await?;
    transaction.commit().await?;
    Ok(written)
}

/// True if a single statement can write everything: there are few events, no poison, no duplicates among the events, and none is erased.
fn fits_one_statement(batches: &[VerifiedBatch<'_>], candidates: &[Candidate<'_>]) -> bool {
    let size: usize = candidates.iter().map(|candidate| candidate.event.payload.len()).sum();
    let received: usize = batches.iter().map(|verified| verified.batch.received).sum();
    // The single statement has no columns for what is rarely needed.
    let is_ordinary = |candidate: &Candidate<'_>| !candidate.event.is_erased && candidate.source.filed_as().is_none();
    size < COPY_FROM_BYTES && received == candidates.len() && received > 0 && candidates.iter().all(is_ordinary)
}

/// The events of the batches, deduplicated and ordered by digest, so that overlapping transactions wait for each other instead of
/// deadlocking.
fn candidates<'a>(batches: &'a [VerifiedBatch<'a>]) -> Vec<Candidate<'a>> {
    let mut candidates: Vec<Candidate<'_>> = batches
        .iter()
        .enumerate()
        .flat_map(|(batch, verified)| {
            let events = verified.batch.events.iter().zip(&verified.notifications);
            events.map(move |(event, notification)| (batch, event, notification.as_ref(), verified.source))
        })
        .enumerate()
        .map(|(position, (batch, event, notification, source))| Candidate {
            digest: event.digest,
            batch,
            position,
            event,
            notification,
            source,
        })
        .collect();
    candidates.sort_unstable_by_key(|candidate| (u128::from_be_bytes(candidate.digest), candidate.position));
    candidates.dedup_by_key(|candidate| candidate.digest);
    candidates
}

/// Writes batches inside a transaction.
///
/// # Errors
/// Returns an error if Postgres fails or, in [`InsertMode::Bulk`] mode, if it rejects an event.
pub(crate) async fn write<'a>(
    connection: &mut PgConnection,
    batches: &'a [VerifiedBatch<'a>],
    mode: InsertMode,
) -> Result<Written<'a>, sqlx::Error> {
    let candidates = candidates(batches);
    let mut inserted = Inserted::default();
    let received_at = match mode {
        InsertMode::Bulk => copy_new(connection, &candidates, &mut inserted).await?,
        InsertMode::Bisect => copy_bisecting(connection, &candidates, &mut inserted).await?,
    };
    mark_erased(connection, &inserted.rows).await?;
    quarantine_poison(connection, batches, &inserted).await?;
    if let Some(received_at) = received_at {
        // Nobody is shown the past as if it were new.
        let (filed, delivered): (Vec<Row<'_>>, Vec<Row<'_>>) =
            inserted.rows.iter().copied().partition(|row| row.source.filed_as().is_some());
        facets::count_filed(connection, &filed).await?;
        inserted.outbox = outbox::announce(connection, &delivered, received_at).await?;
    }
    let written = Written::new(batches, inserted);
    written.counts.write(connection).await?;
    Ok(written)
}

/// The receive time of the stored events; `None` if there are none.
type ReceivedAt = Option<OffsetDateTime>;

/// Like [`copy_new`], but bisects the candidates if Postgres rejects some of them.
fn copy_bisecting<'c, 'a: 'c>(
    connection: &'c mut PgConnection,
    candidates: &'c [Candidate<'a>],
    inserted: &'c mut Inserted<'a>,
) -> Pin<Box<dyn Future<Output = Result<ReceivedAt, sqlx::Error>> + Send + 'c>> {
    Box::pin(async move {
        let mut savepoint = connection.begin().await?;
        let error = match copy_new(&mut savepoint, candidates, inserted).await {
            Ok(received_at) => return savepoint.commit().await.map(|()| received_at),
            Err(error) => error,
        };
        savepoint.rollback().await?;
        if !sqlstate::is_invalid_data(&error) {
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

/// Stores the candidates' keys, and the events whose keys are new. Ids are ordered by event time, so that lists are in chronological order.
async fn copy_new<'a>(
    connection: &mut PgConnection,
    candidates: &[Candidate<'a>],
    inserted: &mut Inserted<'a>,
) -> Result<ReceivedAt, sqlx::Error> {
    let keys = Keys::of(candidates);
    // Returns a single result row: a thousand rows would cost both sides more than the keys themselves.
    let won = sqlx::query!(
        r#"select string_agg(uuid_send(digest), '') as digests, array_agg(nextval('events_id_seq')) as ids, now() as "at!"
           from claim_keys($1, $2, $3, $4) as won (digest)"#,
        &keys.digests,
        &keys.keys as &[Option<Uuid>],
        &keys.days as &[Option<i32>],
        &keys.messages as &[Option<&str>]
    )
    .fetch_one(&mut *connection)
    .await?;
    let (Some(digests), Some(mut ids)) = (won.digests, won.ids) else { return Ok(None) };
    let (mut won, received_at) = (digests.as_chunks::<16>().0.to_vec(), won.at);
    won.sort_unstable();
    ids.sort_unstable();
    let mut winners: Vec<&Candidate<'_>> =
        candidates.iter().filter(|candidate| won.binary_search(&candidate.digest).is_ok()).collect();
    let time_of = |winner: &Candidate<'_>| winner.event.occurred_at.unwrap_or(received_at).unix_timestamp_nanos();
    winners.sort_unstable_by_key(|winner| (time_of(winner), winner.position));
    let rows: Vec<Row<'_>> = winners.into_iter().zip(ids).map(|(winner, id)| winner.with_id(id, received_at)).collect();
    copy::copy(connection, &rows, received_at).await?;
    inserted.rows.extend(rows);
    Ok(Some(received_at))
}

/// Stores that personal data was removed from events, if it was.
async fn mark_erased(connection: &mut PgConnection, rows: &[Row<'_>]) -> Result<(), sqlx::Error> {
    let erased = rows.iter().filter(|row| row.event.is_erased);
    let (received, ids): (Vec<OffsetDateTime>, Vec<i64>) = erased.map(|row| (row.received_at, row.id)).unzip();
    if !ids.is_empty() {
        sqlx::query!(
            "update events set erased_at = now() from unnest($1::timestamptz[], $2::bigint[]) as erased (received_at, id)
             where events.received_at = erased.received_at and events.id = erased.id",
            &received,
            &ids
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Quarantines the poison in the batches and the events that Postgres rejected.
async fn quarantine_poison(
    connection: &mut PgConnection,
    batches: &[VerifiedBatch<'_>],
    inserted: &Inserted<'_>,
) -> Result<(), sqlx::Error> {
    let refused = inserted.refused.iter().map(|(candidate, why)| {
        (Poison::of_element(candidate.event.payload, "refused_by_postgres", why.clone()), candidate.source)
    });
    let poison = batches.iter().flat_map(|verified| verified.batch.poison.iter().map(|poison| (poison.clone(), verified.source)));
    quarantine::insert(connection, &poison.chain(refused).collect::<Vec<_>>()).await
}

fn receipts(batches: &[VerifiedBatch<'_>], inserted: &Inserted<'_>) -> Vec<Receipt> {
    let receipt = |VerifiedBatch { batch, .. }: &VerifiedBatch<'_>| Receipt {
        received: batch.received,
        stored: 0,
        duplicates: 0,
        quarantined: batch.poison.len(),
    };
    let mut receipts: Vec<Receipt> = batches.iter().map(receipt).collect();
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
