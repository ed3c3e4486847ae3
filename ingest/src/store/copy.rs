//! Events as rows of Postgres' binary COPY format.
//!
//! COPY takes rows at a third less of the server's time than an INSERT from arrays, and holds no second copy of a payload: a
//! mail of 20 MiB goes out in pieces. Format: "COPY" in the PostgreSQL documentation, section Binary Format; each value is in
//! the binary form of its type.

use sqlx::postgres::PgConnection;
use time::OffsetDateTime;

use crate::webhook::event::{NewEvent, Text};
use crate::webhook::queue::Source;

/// The columns of an `Event` that COPY writes, in the order in which [`head`] writes them. Queries for an `Event` add
/// `erased_at`.
pub(crate) const EVENT_COLUMNS: &str = "id, received_at, occurred_at, kind, message_id, recipient, sender, subject, tags, \
    metadata, template, subaccount, url, ip, user_agent, country, city, diagnostic, simulated, webhook";
/// The number of columns: [`EVENT_COLUMNS`], `search`, `terms` and `payload`.
const COLUMNS: i16 = 23;
/// Signature, flags and the length of an extension that there is none of.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Rows are sent once they fill so many bytes, and longer payloads in pieces of this size.
const PIECE: usize = 128 << 10;
/// Unix time of 2000-01-01, from which Postgres counts.
const EPOCH: i128 = 946_684_800;
/// The types of an array's elements.
const TEXT_OID: i32 = 25;
const INTEGER_OID: i32 = 23;

/// A row to be: an event and the id that it got, and the batch with which it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) batch: usize,
    pub(crate) id: i64,
    pub(crate) event: &'a NewEvent<'a>,
    pub(crate) source: &'a Source,
}

/// Copies the rows into `events`.
///
/// # Errors
/// When Postgres is away or refuses a row; then none is there, and the transaction has failed.
pub(crate) async fn copy(
    connection: &mut PgConnection,
    rows: &[Row<'_>],
    received_at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let statement = format!("copy events ({EVENT_COLUMNS}, search, terms, payload) from stdin (format binary)");
    let mut copy = connection.copy_in_raw(&statement).await?;
    let mut piece = Vec::with_capacity(PIECE + (16 << 10));
    piece.extend_from_slice(HEADER);
    for row in rows {
        head(&mut piece, row, received_at);
        for part in row.event.payload.as_bytes().chunks(PIECE) {
            piece.extend_from_slice(part);
            if piece.len() >= PIECE {
                copy.send(piece.as_slice()).await?;
                piece.clear();
            }
        }
    }
    piece.extend_from_slice(&(-1_i16).to_be_bytes());
    copy.send(piece.as_slice()).await?;
    copy.finish().await?;
    Ok(())
}

/// A row up to the bytes of its payload.
fn head(piece: &mut Vec<u8>, row: &Row<'_>, received_at: OffsetDateTime) {
    let event = row.event;
    piece.extend_from_slice(&COLUMNS.to_be_bytes());
    value(piece, &row.id.to_be_bytes());
    value(piece, &instant(received_at));
    value(piece, &instant(event.occurred_at.unwrap_or(received_at)));
    value(piece, event.kind.as_bytes());
    text(piece, event.message_id.as_deref());
    text(piece, event.recipient.as_deref());
    text(piece, event.sender.as_deref());
    text(piece, event.subject.as_deref());
    texts(piece, &event.tags);
    match &event.metadata {
        // Version 1 of jsonb's binary form is its text.
        Some(metadata) => prefixed(piece, &[1], metadata.text().as_bytes()),
        None => text(piece, None),
    }
    for column in [&event.template, &event.subaccount, &event.url, &event.ip, &event.user_agent, &event.country, &event.city] {
        text(piece, column.as_deref());
    }
    text(piece, event.diagnostic.as_deref());
    value(piece, &[u8::from(row.source.is_simulation())]);
    text(piece, row.source.label());
    value(piece, event.search.as_bytes());
    integers(piece, &event.terms());
    piece.extend_from_slice(&length(event.payload.len()));
}

fn value(piece: &mut Vec<u8>, bytes: &[u8]) {
    prefixed(piece, &[], bytes);
}

fn prefixed(piece: &mut Vec<u8>, prefix: &[u8], bytes: &[u8]) {
    piece.extend_from_slice(&length(prefix.len() + bytes.len()));
    piece.extend_from_slice(prefix);
    piece.extend_from_slice(bytes);
}

fn text(piece: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => value(piece, text.as_bytes()),
        None => piece.extend_from_slice(&(-1_i32).to_be_bytes()),
    }
}

fn texts(piece: &mut Vec<u8>, items: &[Text<'_>]) {
    array(piece, TEXT_OID, items.len(), items.iter().map(|item| 4 + item.len()).sum());
    for item in items {
        value(piece, item.as_bytes());
    }
}

fn integers(piece: &mut Vec<u8>, items: &[i32]) {
    array(piece, INTEGER_OID, items.len(), 8 * items.len());
    for item in items {
        // With its length in one go: there are many.
        piece.extend_from_slice(&(4_u64 << 32 | u64::from(item.cast_unsigned())).to_be_bytes());
    }
}

/// What stands before so many items of so many bytes: one dimension, counted from 1; none for an empty array.
fn array(piece: &mut Vec<u8>, oid: i32, items: usize, bytes: usize) {
    let dimensions: &[[u8; 4]] = if items == 0 { &[] } else { &[length(items), length(1)] };
    piece.extend_from_slice(&length(12 + 4 * dimensions.len() + bytes));
    for word in [i32::from(items > 0), 0, oid] {
        piece.extend_from_slice(&word.to_be_bytes());
    }
    piece.extend_from_slice(dimensions.as_flattened());
}

/// Microseconds since 2000.
fn instant(at: OffsetDateTime) -> [u8; 8] {
    let micros = at.unix_timestamp_nanos() / 1_000 - EPOCH * 1_000_000;
    i64::try_from(micros).unwrap_or(i64::MAX - 1).to_be_bytes()
}

/// Everything in a delivery is far shorter than 2 GiB.
fn length(bytes: usize) -> [u8; 4] {
    i32::try_from(bytes).unwrap_or(i32::MAX).to_be_bytes()
}
