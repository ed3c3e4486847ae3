//! Reads the original bytes of events.

use std::collections::HashMap;

use shared::event::Event;
use shared::visibility::Visibility;
use sqlx::PgPool;

use crate::store::dictionaries::{CodecCache, PayloadError, StoredPayload};

/// Reads a visible event's payload as received; `{}` if it has been erased.
///
/// # Errors
/// Returns an error if Postgres fails, or if the payload is damaged.
pub(crate) async fn find(
    pool: &PgPool,
    codec: &CodecCache,
    event_id: i64,
    visibility: &Visibility,
) -> Result<Option<String>, PayloadError> {
    let stored = sqlx::query_as!(
        StoredPayload,
        r#"select payload as "payload!", payload_frame, payload_values(events) as "values!: _" from events
           where id = $1 and is_visible($2, kind, subaccount, tags, sender)"#,
        event_id,
        visibility.to_json()
    );
    match stored.fetch_optional(pool).await? {
        Some(stored) => Ok(Some(codec.read(pool, stored).await?)),
        None => Ok(None),
    }
}

/// Splits events into parts whose payloads take about `max_bytes` in memory together, or consist of one event.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn parts<'e>(pool: &PgPool, events: &'e [Event], max_bytes: i64) -> Result<Vec<&'e [Event]>, sqlx::Error> {
    let (received, ids): (Vec<_>, Vec<_>) = events.iter().map(|event| (event.received_at, event.id)).unzip();
    // A frame is a fifth of its payload, mostly.
    let sizes = sqlx::query!(
        r#"select id as "id!", coalesce(5 * octet_length(payload_frame), octet_length(payload)) as "bytes!"
           from events join unnest($1::timestamptz[], $2::bigint[]) as wanted (received_at, id) using (received_at, id)"#,
        &received,
        &ids
    );
    let sizes: HashMap<i64, i64> =
        sizes.fetch_all(pool).await?.into_iter().map(|size| (size.id, i64::from(size.bytes))).collect();
    let size_of = |event: &Event| sizes.get(&event.id).copied().unwrap_or_default();
    let mut bytes = events.first().map_or(0, size_of);
    let is_together = |_: &Event, next: &Event| {
        let together = bytes + size_of(next);
        let fits = together <= max_bytes;
        bytes = if fits { together } else { size_of(next) };
        fits
    };
    Ok(events.chunk_by(is_together).collect())
}

/// Reads the payloads of events by their ids, as they are stored. Events that have been dropped meanwhile are missing.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn of_events(pool: &PgPool, events: &[Event]) -> Result<HashMap<i64, StoredPayload>, sqlx::Error> {
    let (received, ids): (Vec<_>, Vec<_>) = events.iter().map(|event| (event.received_at, event.id)).unzip();
    let rows = sqlx::query!(
        r#"select id as "id!", payload as "payload!", payload_frame, payload_values(events) as "values!: Vec<Option<String>>"
           from events join unnest($1::timestamptz[], $2::bigint[]) as wanted (received_at, id) using (received_at, id)"#,
        &received,
        &ids
    );
    let rows = rows.fetch_all(pool).await?.into_iter();
    Ok(rows
        .map(|row| (row.id, StoredPayload { payload: row.payload, payload_frame: row.payload_frame, values: row.values }))
        .collect())
}
