//! Payloads that are stored as they are, and replacing them by compressed ones.

use sqlx::postgres::PgConnection;
use time::OffsetDateTime;

/// A stored event whose payload is not compressed.
#[derive(Debug)]
pub(crate) struct PlainPayload {
    pub(crate) received_at: OffsetDateTime,
    pub(crate) id: i64,
    pub(crate) payload: String,
    /// What `payload_values` returns for the row.
    pub(crate) values: Vec<Option<String>>,
}

/// Locks up to `limit` events between two positions, the second included, whose payloads are stored as they are and have at most `max_bytes`.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn lock_plain(
    connection: &mut PgConnection,
    after: (OffsetDateTime, i64),
    end: (OffsetDateTime, i64),
    max_bytes: i32,
) -> Result<Vec<PlainPayload>, sqlx::Error> {
    sqlx::query_as!(
        PlainPayload,
        r#"select received_at as "received_at!", id as "id!", payload as "payload!", payload_values(events) as "values!: _" from events
           where (received_at, id) > ($1, $2) and (received_at, id) <= ($3, $4) and payload_frame is null and erased_at is null
             and octet_length(payload) <= $5
           order by received_at, id for update"#,
        after.0,
        after.1,
        end.0,
        end.1,
        max_bytes
    )
    .fetch_all(connection)
    .await
}

/// Stores frames instead of the payloads. Returns how many events changed.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn replace(
    connection: &mut PgConnection,
    received: &[OffsetDateTime],
    ids: &[i64],
    frames: &[Vec<u8>],
) -> Result<i64, sqlx::Error> {
    let replaced = sqlx::query!(
        "update events set payload = '', payload_frame = compressed.frame
         from unnest($1::timestamptz[], $2::bigint[], $3::bytea[]) as compressed (received_at, id, frame)
         where events.received_at = compressed.received_at and events.id = compressed.id",
        received,
        ids,
        frames
    );
    Ok(i64::try_from(replaced.execute(connection).await?.rows_affected()).unwrap_or_default())
}
