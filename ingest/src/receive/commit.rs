//! Deliveries into Postgres: events, notifications, outbox, counts and quarantine in one transaction.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{Connection, PgPool};
use time::OffsetDateTime;

use super::copy::{self, Row};
use super::counts::{Counts, Outcome};
use super::event::NewEvent;
use super::payload::{Batch, Poison};
use super::quarantine;
use super::writer::{Receipt, Source};
use crate::operate::partitions;

/// How often a transaction that lost a deadlock or a serialisation race is tried again.
const TRIES: u32 = 5;

/// A batch and who vouched for it.
pub(crate) type Vouched<'a> = (Batch<'a>, &'a Source);

/// Commits batches together, each event once over all deliveries and replicas; gives what became of each batch. On `Ok` it is durable.
///
/// # Errors
/// When Postgres is away or fails for a reason that is no single event's fault. Then nothing of them is stored.
pub(super) async fn store(pool: &PgPool, batches: &[Vouched<'_>]) -> Result<Vec<Receipt>, sqlx::Error> {
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

async fn try_store(pool: &PgPool, batches: &[Vouched<'_>], care: Care) -> Result<Vec<Receipt>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let (receipts, counts) = write(&mut transaction, batches, care).await?;
    transaction.commit().await?;
    counts.publish();
    Ok(receipts)
}

/// How the events of a transaction are inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// All at once; one that Postgres refuses fails the transaction.
    Quick,
    /// By halves where Postgres refuses some, until those are found.
    FindRefused,
}

/// An event that is not among those before it, and the batch that it came with.
#[derive(Debug, Clone, Copy)]
struct Candidate<'a> {
    batch: usize,
    /// Its place among all that came.
    place: usize,
    event: &'a NewEvent<'a>,
    source: &'a Source,
}

/// What a transaction did with its candidates.
#[derive(Debug, Default)]
struct Inserted<'a> {
    /// New events.
    rows: Vec<Row<'a>>,
    /// What Postgres refused, and why.
    refused: Vec<(Candidate<'a>, String)>,
    /// The time of receipt of all of them.
    at: Option<OffsetDateTime>,
}

/// Writes batches inside a transaction.
pub(crate) async fn write<'a>(
    connection: &mut PgConnection,
    batches: &'a [Vouched<'a>],
    care: Care,
) -> Result<(Vec<Receipt>, Counts<'a>), sqlx::Error> {
    let mut seen = HashSet::new();
    let mut candidates: Vec<Candidate<'_>> = batches
        .iter()
        .enumerate()
        .flat_map(|(batch, (events, source))| events.events.iter().map(move |event| (batch, event, *source)))
        .enumerate()
        .map(|(place, (batch, event, source))| Candidate { batch, place, event, source })
        .filter(|candidate| seen.insert(candidate.event.digest))
        .collect();
    // In one order everywhere: transactions that overlap wait for each other instead of deadlocking.
    candidates.sort_unstable_by_key(|candidate| candidate.event.digest);
    let mut inserted = Inserted::default();
    match care {
        Care::Quick => insert(connection, &candidates, &mut inserted).await?,
        Care::FindRefused => insert_bisecting(connection, &candidates, &mut inserted).await?,
    }
    tell(connection, &inserted).await?;
    let receipts = receipts(batches, &inserted);
    keep_apart(connection, batches, &inserted).await?;
    let counts = counts(batches, &inserted);
    counts.write(connection).await?;
    Ok((receipts, counts))
}

/// Inserts the candidates by halves where Postgres refuses some of them.
fn insert_bisecting<'c, 'a: 'c>(
    connection: &'c mut PgConnection,
    candidates: &'c [Candidate<'a>],
    inserted: &'c mut Inserted<'a>,
) -> Pin<Box<dyn Future<Output = Result<(), sqlx::Error>> + Send + 'c>> {
    Box::pin(async move {
        let mut savepoint = connection.begin().await?;
        let error = match insert(&mut savepoint, candidates, inserted).await {
            Ok(()) => return savepoint.commit().await,
            Err(error) => error,
        };
        savepoint.rollback().await?;
        if !is_about_the_data(&error) {
            return Err(error);
        }
        if let [candidate] = candidates {
            let why = error.as_database_error().map_or_else(String::new, |error| error.message().to_owned());
            inserted.refused.push((*candidate, format!("Postgres refused the event: {why}.")));
            return Ok(());
        }
        let (left, right) = candidates.split_at(candidates.len() / 2);
        insert_bisecting(connection, left, inserted).await?;
        insert_bisecting(connection, right, inserted).await
    })
}

/// The candidates' keys, and rows for those whose key was new. Ids follow the events' own times, so that a list reads in order.
async fn insert<'a>(
    connection: &mut PgConnection,
    candidates: &[Candidate<'a>],
    inserted: &mut Inserted<'a>,
) -> Result<(), sqlx::Error> {
    if candidates.is_empty() {
        return Ok(());
    }
    let digests: Vec<&[u8]> = candidates.iter().map(|candidate| &candidate.event.digest[..]).collect();
    let won = sqlx::query!(
        r#"with won as (
             insert into event_keys (digest) select unnest($1::bytea[]) on conflict do nothing returning digest
           )
           select digest as "digest!", nextval('events_id_seq') as "id!", now() as "at!" from won"#,
        &digests as &[&[u8]]
    )
    .fetch_all(&mut *connection)
    .await?;
    let Some(at) = won.first().map(|won| won.at) else { return Ok(()) };
    let mut ids: Vec<i64> = won.iter().map(|won| won.id).collect();
    ids.sort_unstable();
    let won: HashSet<&[u8]> = won.iter().map(|won| won.digest.as_slice()).collect();
    let mut winners: Vec<&Candidate<'_>> =
        candidates.iter().filter(|candidate| won.contains(&candidate.event.digest[..])).collect();
    winners.sort_by_key(|winner| (winner.event.occurred_at.unwrap_or(at), winner.place));
    let rows: Vec<Row<'_>> = winners
        .into_iter()
        .zip(ids)
        .map(|(&Candidate { batch, event, source, .. }, id)| Row { batch, id, event, source })
        .collect();
    copy::copy(connection, &rows, at).await?;
    inserted.rows.extend(rows);
    inserted.at = Some(at);
    Ok(())
}

/// A notification for each open, and one row of the outbox for all.
async fn tell(connection: &mut PgConnection, inserted: &Inserted<'_>) -> Result<(), sqlx::Error> {
    let ids = || inserted.rows.iter().map(|row| row.id);
    let (Some(at), Some(first), Some(last)) = (inserted.at, ids().min(), ids().max()) else { return Ok(()) };
    let opens: Vec<(&Row<'_>, (String, String))> =
        inserted.rows.iter().filter_map(|row| Some((row, row.event.notification()?))).collect();
    let ids: Vec<i64> = opens.iter().map(|(row, _)| row.id).collect();
    let titles: Vec<&str> = opens.iter().map(|(_, (title, _))| title.as_str()).collect();
    let bodies: Vec<&str> = opens.iter().map(|(_, (_, body))| body.as_str()).collect();
    let messages: Vec<Option<&str>> = opens.iter().map(|(row, _)| row.event.message_id.as_deref()).collect();
    let recipients: Vec<Option<&str>> = opens.iter().map(|(row, _)| row.event.recipient.as_deref()).collect();
    sqlx::query!(
        "with told as (
           insert into notifications (kind, title, body, event_id, message_id, recipient, audience)
           select 'open', title, body, id, message_id, recipient, 'all'
           from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[]) as t (id, title, body, message_id, recipient)
           order by id
           returning id
         )
         insert into outbox (event_received_at, event_id, last_event_id, notification_id, last_notification_id, items)
         select $6, $7, $8, min(id), max(id), $9 from told",
        &ids,
        &titles as &[&str],
        &bodies as &[&str],
        &messages as &[Option<&str>],
        &recipients as &[Option<&str>],
        at,
        first,
        last,
        i32::try_from(inserted.rows.len()).unwrap_or(i32::MAX)
    )
    .execute(connection)
    .await?;
    Ok(())
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
    for row in &inserted.rows {
        counts.add(row.source, &row.event.kind, Outcome::Duplicate, -1);
        counts.add(row.source, &row.event.kind, Outcome::Stored, 1);
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
