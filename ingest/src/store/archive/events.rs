//! Reads the rows of a partition.

use sqlx::{Connection, PgPool};
use time::OffsetDateTime;

use crate::archive::event::ArchivedEvent;
use crate::store::time_limit;

/// Rows per page, and about how many bytes their payloads take in memory. A page has at least one row.
const PAGE_ROWS: i64 = 2_000;
const PAGE_BYTES: i64 = 8 << 20;

/// Reads the next events of a partition, which lie between two times, after a position, in the order of `received_at` and `id`. Payloads are as they are stored. Empty at the end.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn page(
    pool: &PgPool,
    (first, until): (OffsetDateTime, OffsetDateTime),
    after: (OffsetDateTime, i64),
) -> Result<Vec<ArchivedEvent>, sqlx::Error> {
    sqlx::query_as!(
        ArchivedEvent,
        r#"select id as "id!", received_at as "received_at!", occurred_at as "occurred_at!", erased_at, simulated as "simulated!",
             kind as "kind!", webhook, message_id, recipient, sender, subject, tags as "tags!", metadata::text as metadata, template,
             subaccount, url, ip, user_agent, country, city, diagnostic, reason_class, actor, actor_reason, verdict_rules,
             search as "search!", digest, payload as "payload!", source, stored_at, payload_frame
           from events join (
             select received_at, id, sum(size) over (order by received_at, id) - size as before from (
               -- A frame is a fifth of its payload, mostly. Nothing is decompressed to know a size.
               select received_at, id, coalesce(5 * octet_length(payload_frame), octet_length(payload))::bigint as size
               from events where received_at >= $1 and received_at < $2 and (received_at, id) > ($3, $4)
               order by received_at, id limit $5
             ) as rows
           ) as sized using (received_at, id)
           where before <= $6::bigint order by received_at, id"#,
        first,
        until,
        after.0,
        after.1,
        PAGE_ROWS,
        PAGE_BYTES
    )
    .fetch_all(pool)
    .await
}

/// Counts the events of a partition, and adds up their digests (`ArchivedEvent::digest_number`), in decimal.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn totals(pool: &PgPool, first: OffsetDateTime, until: OffsetDateTime) -> Result<(i64, String), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    time_limit::lift(&mut transaction).await?;
    let totals = sqlx::query!(
        r#"select count(*) as "events!",
             coalesce(sum(('x' || left(replace(digest::text, '-', ''), 15))::bit(60)::bigint), 0)::text as "digest_sum!"
           from events where received_at >= $1 and received_at < $2"#,
        first,
        until
    );
    let totals = totals.fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok((totals.events, totals.digest_sum))
}
