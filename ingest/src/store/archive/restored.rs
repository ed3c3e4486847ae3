//! Stores the events of an archived partition again: in a table of its own, which becomes a partition once it is complete.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::ArchivedPartition;
use crate::archive::event::ArchivedEvent;
use crate::store::copy::fields::{END, HEADER, integers, prefixed, text, texts, timestamp, value};
use crate::store::search_terms::CommonWords;
use crate::store::{archive, partitions, search_terms, time_limit};

/// The columns, in the order that [`encode_row`] writes them.
const COLUMNS: &str = "id, received_at, occurred_at, erased_at, simulated, kind, webhook, message_id, recipient, sender, subject, tags, \
    metadata, template, subaccount, url, ip, user_agent, country, city, diagnostic, reason_class, actor, actor_reason, verdict_rules, \
    search, terms, digest, source, stored_at, payload_frame, payload";
const COLUMN_COUNT: i16 = 32;
/// Number of encoded bytes after which rows are sent.
const CHUNK_BYTES: usize = 1 << 20;

/// The table while it is incomplete.
fn table(partition: &ArchivedPartition) -> String {
    format!("restoring_{}", partition.name)
}

/// Creates an empty table, in place of one that an earlier attempt left.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn begin(connection: &mut PgConnection, partition: &ArchivedPartition) -> Result<(), sqlx::Error> {
    let table = table(partition);
    sqlx::query(AssertSqlSafe(format!("drop table if exists {table}"))).execute(&mut *connection).await?;
    // As `create_event_partitions` makes partitions.
    let create = format!(
        "create table {table} (like events including defaults including constraints including storage) with (toast_tuple_target = 2700)"
    );
    sqlx::query(AssertSqlSafe(create)).execute(&mut *connection).await?;
    Ok(())
}

/// Adds events.
///
/// # Errors
/// Returns an error if Postgres fails. In that case none of them is stored.
pub(crate) async fn add(
    connection: &mut PgConnection,
    partition: &ArchivedPartition,
    events: &[ArchivedEvent],
) -> Result<(), sqlx::Error> {
    let statement = format!("copy {} ({COLUMNS}) from stdin (format binary)", table(partition));
    let mut copy = connection.copy_in_raw(&statement).await?;
    let mut chunk = HEADER.to_vec();
    for event in events {
        encode_row(&mut chunk, event);
        if chunk.len() >= CHUNK_BYTES {
            copy.send(chunk.as_slice()).await?;
            chunk.clear();
        }
    }
    chunk.extend_from_slice(END);
    copy.send(chunk.as_slice()).await?;
    copy.finish().await.map(|_| ())
}

/// Makes the table a partition of `events`, and keeps it from retention. From then on, repeats are recognised by its rows.
///
/// # Errors
/// Returns an error if Postgres fails. In that case nothing is changed.
pub(crate) async fn attach(connection: &mut PgConnection, partition: &ArchivedPartition) -> Result<(), sqlx::Error> {
    let (table, name) = (table(partition), &partition.name);
    let mut transaction = connection.begin().await?;
    time_limit::lift(&mut transaction).await?;
    let keys = format!(
        // The others are found by message and day. See `claim_keys`.
        "insert into event_keys (digest) select uuid_send(digest) from {table}
         where digest is not null and (message_id is null or occurred_at = received_at) on conflict do nothing"
    );
    for statement in [keys, format!("alter table {table} rename to {name}")] {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
    }
    partitions::attach(&mut transaction, name, partition.first, partition.until).await?;
    sqlx::query!("delete from retired_digests where name = $1", name).execute(&mut *transaction).await?;
    sqlx::query!("delete from retired_partitions where name = $1", name).execute(&mut *transaction).await?;
    archive::set_restored(&mut *transaction, name, true).await?;
    sqlx::query(AssertSqlSafe(format!("analyze {name}"))).execute(&mut *transaction).await?;
    transaction.commit().await
}

fn encode_row(chunk: &mut Vec<u8>, event: &ArchivedEvent) {
    chunk.extend_from_slice(&COLUMN_COUNT.to_be_bytes());
    value(chunk, &event.id.to_be_bytes());
    value(chunk, &timestamp(event.received_at));
    value(chunk, &timestamp(event.occurred_at));
    optional(chunk, event.erased_at.map(timestamp));
    value(chunk, &[u8::from(event.simulated)]);
    value(chunk, event.kind.as_bytes());
    for column in [&event.webhook, &event.message_id, &event.recipient, &event.sender, &event.subject] {
        text(chunk, column.as_deref());
    }
    texts(chunk, &event.tags);
    match &event.metadata {
        // Version 1 of jsonb's binary format is its text representation.
        Some(metadata) => prefixed(chunk, &[1], metadata.as_bytes()),
        None => text(chunk, None),
    }
    for column in [&event.template, &event.subaccount, &event.url, &event.ip, &event.user_agent, &event.country, &event.city] {
        text(chunk, column.as_deref());
    }
    for column in [&event.diagnostic, &event.reason_class, &event.actor, &event.actor_reason] {
        text(chunk, column.as_deref());
    }
    optional(chunk, event.verdict_rules.map(i16::to_be_bytes));
    value(chunk, event.search.as_bytes());
    let [template, subaccount, url, ip] = [&event.template, &event.subaccount, &event.url, &event.ip].map(Option::as_deref);
    integers(chunk, &search_terms::of_event(&event.search, &CommonWords::default(), template, subaccount, url, ip));
    optional(chunk, event.digest.map(|digest| *digest.as_bytes()));
    text(chunk, event.source.as_deref());
    optional(chunk, event.stored_at.map(timestamp));
    match &event.payload_frame {
        Some(frame) => value(chunk, frame),
        None => text(chunk, None),
    }
    value(chunk, event.payload.as_bytes());
}

fn optional<const LENGTH: usize>(chunk: &mut Vec<u8>, bytes: Option<[u8; LENGTH]>) {
    match bytes {
        Some(bytes) => value(chunk, &bytes),
        None => text(chunk, None),
    }
}
