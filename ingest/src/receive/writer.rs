//! A batch into Postgres: events, notifications, quarantine and outbox in one transaction.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, PgPool};

use super::event::NewEvent;
use super::payload::{Batch, Poison};
use crate::operate::partitions;

/// How often a transaction that lost a deadlock or a serialisation race is tried again.
const TRIES: u32 = 5;

/// What became of a batch's elements; the answer to the delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Elements in the delivery.
    pub received: usize,
    /// New events.
    pub stored: usize,
    /// Events that were here already, or twice in this delivery.
    pub duplicates: usize,
    /// Elements kept apart.
    pub quarantined: usize,
}

/// By whom a batch was vouched for.
#[derive(Debug, Clone)]
pub enum Source {
    /// A Mandrill signature, by the key with this label.
    Webhook(String),
    /// A signed-in admin, or a token.
    Simulation,
}

impl Source {
    /// The label of the key.
    fn label(&self) -> Option<&str> {
        match self {
            Self::Webhook(label) => Some(label),
            Self::Simulation => None,
        }
    }

    /// True for events that Mandrill did not send.
    pub fn is_simulation(&self) -> bool {
        matches!(self, Self::Simulation)
    }
}

/// Commits the whole batch, each event once over all deliveries and replicas. On `Ok` it is durable.
///
/// # Errors
/// When Postgres is away or fails for a reason that is no single event's fault. Then nothing of the batch is stored.
pub async fn store(pool: &PgPool, batch: &Batch, source: &Source) -> Result<Receipt, sqlx::Error> {
    let mut tries = 0;
    loop {
        match try_store(pool, batch, source).await {
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

async fn try_store(pool: &PgPool, batch: &Batch, source: &Source) -> Result<Receipt, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let mut events: Vec<&NewEvent> = batch.events.iter().collect();
    let mut seen = std::collections::HashSet::with_capacity(events.len());
    events.retain(|event| seen.insert(event.digest));
    let (stored, refused) = insert_bisecting(&mut transaction, &events, source).await?;
    let poison: Vec<&Poison> = batch.poison.iter().chain(&refused).collect();
    quarantine(&mut transaction, &poison, source.is_simulation(), source.label()).await?;
    transaction.commit().await?;
    let quarantined = poison.len();
    Ok(Receipt { received: batch.received, stored, duplicates: batch.received - stored - quarantined, quarantined })
}

type Inserted = Result<(usize, Vec<Poison>), sqlx::Error>;

/// Inserts all events, or finds by halves those that Postgres refuses and inserts the others.
/// Gives how many were new, and what was refused.
fn insert_bisecting<'a>(
    connection: &'a mut PgConnection,
    events: &'a [&'a NewEvent],
    source: &'a Source,
) -> Pin<Box<dyn Future<Output = Inserted> + Send + 'a>> {
    Box::pin(async move {
        if events.is_empty() {
            return Ok((0, Vec::new()));
        }
        let mut savepoint = connection.begin().await?;
        let error = match insert(&mut savepoint, events, source).await {
            Ok(stored) => {
                savepoint.commit().await?;
                return Ok((stored, Vec::new()));
            }
            Err(error) => error,
        };
        savepoint.rollback().await?;
        if !is_about_the_data(&error) {
            return Err(error);
        }
        if let [event] = events {
            let raw = event.payload.clone().into_bytes();
            let detail = format!("Postgres refused the event: {}.", database_message(&error));
            return Ok((0, vec![Poison { raw, reason: "refused_by_postgres", detail }]));
        }
        let (left, right) = events.split_at(events.len() / 2);
        let (mut stored, mut refused) = insert_bisecting(connection, left, source).await?;
        let (more_stored, more_refused) = insert_bisecting(connection, right, source).await?;
        stored += more_stored;
        refused.extend(more_refused);
        Ok((stored, refused))
    })
}

/// One statement for any number of events: their keys first, in order, so that batches which overlap do not deadlock; then
/// events, notifications and outbox for the keys that were new. Ids follow the events' own times within a delivery, so that a
/// list reads in order. Text arrays are the cheapest way in.
async fn insert(connection: &mut PgConnection, events: &[&NewEvent], source: &Source) -> Result<usize, sqlx::Error> {
    let column = |field: fn(&NewEvent) -> &Option<String>| -> Vec<Option<&str>> {
        events.iter().map(|event| field(event).as_deref()).collect()
    };
    let digests: Vec<&[u8]> = events.iter().map(|event| &event.digest[..]).collect();
    let occurred: Vec<_> = events.iter().map(|event| event.occurred_at).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    let tags: Vec<String> = events.iter().map(|event| array_literal(&event.tags)).collect();
    let searches: Vec<&str> = events.iter().map(|event| event.search.as_str()).collect();
    let payloads: Vec<&str> = events.iter().map(|event| event.payload.as_str()).collect();
    let (titles, bodies): (Vec<Option<String>>, Vec<Option<String>>) =
        events.iter().map(|event| event.notification().unzip()).unzip();
    let stored = sqlx::query_scalar!(
        r#"with input as (
             select * from unnest(
               $1::bytea[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
               $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
               $17::text[], $18::text[], $19::text[], $20::text[], $21::text[]
             ) with ordinality as t (
               digest, occurred_at, kind, message_id, recipient, sender, subject, tags,
               metadata, template, subaccount, url, ip, user_agent, country, city,
               diagnostic, search, payload, title, body, place
             )
           ), won as (
             insert into event_keys (digest) select digest from input order by digest
             on conflict do nothing returning digest
           ), fresh as (
             select nextval('events_id_seq') as id, ordered.*
             from (select input.* from input join won using (digest)
                   order by coalesce(occurred_at, now()), place) as ordered
           ), stored as (
             insert into events (
               id, occurred_at, kind, message_id, recipient, sender, subject, tags, metadata, template, subaccount,
               url, ip, user_agent, country, city, diagnostic, simulated, webhook, search, payload
             )
             select id, coalesce(occurred_at, now()), kind, message_id, recipient, sender, subject, tags::text[],
                    metadata::jsonb, template, subaccount, url, ip, user_agent, country, city, diagnostic,
                    $22, $23, search, payload
             from fresh
             returning id
           ), told as (
             insert into notifications (kind, title, body, event_id, message_id, recipient, audience)
             select 'open', title, body, id, message_id, recipient, 'all' from fresh where title is not null order by id
             returning id, event_id
           ), queued as (
             insert into outbox (event_id, event_received_at, notification_id)
             select fresh.id, now(), told.id from fresh left join told on told.event_id = fresh.id order by fresh.id
           )
           select count(*) as "count!" from stored"#,
        &digests as &[&[u8]],
        &occurred as &[Option<time::OffsetDateTime>],
        &kinds as &[&str],
        &column(|event| &event.message_id) as &[Option<&str>],
        &column(|event| &event.recipient) as &[Option<&str>],
        &column(|event| &event.sender) as &[Option<&str>],
        &column(|event| &event.subject) as &[Option<&str>],
        &tags,
        &column(|event| &event.metadata) as &[Option<&str>],
        &column(|event| &event.template) as &[Option<&str>],
        &column(|event| &event.subaccount) as &[Option<&str>],
        &column(|event| &event.url) as &[Option<&str>],
        &column(|event| &event.ip) as &[Option<&str>],
        &column(|event| &event.user_agent) as &[Option<&str>],
        &column(|event| &event.country) as &[Option<&str>],
        &column(|event| &event.city) as &[Option<&str>],
        &column(|event| &event.diagnostic) as &[Option<&str>],
        &searches as &[&str],
        &payloads as &[&str],
        &titles as &[Option<String>],
        &bodies as &[Option<String>],
        source.is_simulation(),
        source.label(),
    )
    .fetch_one(connection)
    .await?;
    Ok(usize::try_from(stored).unwrap_or_default())
}

/// Keeps poison apart, the same bytes once.
///
/// # Errors
/// When Postgres fails.
pub async fn quarantine(
    connection: &mut PgConnection,
    poison: &[&Poison],
    simulated: bool,
    webhook: Option<&str>,
) -> Result<(), sqlx::Error> {
    let mut poison: Vec<([u8; 32], &Poison)> = poison.iter().map(|one| (Sha256::digest(&one.raw).into(), *one)).collect();
    // In order against deadlocks, and each once: a statement may not touch a row twice.
    poison.sort_unstable_by_key(|(digest, _)| *digest);
    poison.dedup_by_key(|(digest, _)| *digest);
    if poison.is_empty() {
        return Ok(());
    }
    let digests: Vec<&[u8]> = poison.iter().map(|(digest, _)| &digest[..]).collect();
    let raws: Vec<&[u8]> = poison.iter().map(|(_, one)| one.raw.as_slice()).collect();
    let reasons: Vec<&str> = poison.iter().map(|(_, one)| one.reason).collect();
    let details: Vec<&str> = poison.iter().map(|(_, one)| one.detail.as_str()).collect();
    sqlx::query!(
        "insert into quarantine (digest, raw, reason, detail, simulated, webhook)
         select *, $5, $6 from unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[])
         on conflict on constraint quarantine_digest_key
         do update set times_seen = quarantine.times_seen + 1, last_seen_at = now()",
        &digests as &[&[u8]],
        &raws as &[&[u8]],
        &reasons as &[&str],
        &details as &[&str],
        simulated,
        webhook,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// `{"a","b"}`: arrays within arrays cannot be bound, so each event's tags travel as text.
fn array_literal(items: &[String]) -> String {
    let quoted: Vec<String> =
        items.iter().map(|item| format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    format!("{{{}}}", quoted.join(","))
}

fn sqlstate(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

fn database_message(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(String::new, |error| error.message().to_owned())
}

/// A deadlock or serialisation failure: the same again may pass.
fn is_race(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|code| code == "40P01" || code == "40001")
}

/// Data that Postgres refuses: a text it cannot hold, a time out of range, a row too large for an index.
fn is_about_the_data(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|code| code.starts_with("22") || code.starts_with("54"))
}

/// No partition for the month, the only check that an insert of ours can fail: the database's clock was moved, or upkeep was
/// away for months.
fn is_missing_partition(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|code| code == "23514")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_quoted_for_postgres() {
        let tags = ["plain", "with \"quotes\"", "back\\slash", "{brace},comma", ""].map(str::to_owned);
        assert_eq!(array_literal(&tags), r#"{"plain","with \"quotes\"","back\\slash","{brace},comma",""}"#);
        assert_eq!(array_literal(&[]), "{}");
    }
}
