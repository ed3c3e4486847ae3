//! Lets operators list, inspect, select and discard quarantined items.

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A quarantined item, without its bytes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quarantined)]
pub(crate) struct QuarantinedItem {
    pub(crate) id: i64,
    /// The type of the bytes: one element of a delivery, a whole delivery, or an outbox item.
    #[schema(pattern = "^(element|delivery|outbox)$")]
    origin: String,
    /// A stable code.
    reason: String,
    /// Explains the reason.
    detail: String,
    /// The label of the key that verified the delivery.
    webhook: Option<String>,
    simulated: bool,
    /// `import` if the bytes come from an imported file.
    source: Option<String>,
    /// Size in bytes.
    size: i32,
    /// When the item first arrived.
    #[serde(with = "time::serde::rfc3339")]
    received_at: OffsetDateTime,
    /// When the same bytes last arrived.
    #[serde(with = "time::serde::rfc3339")]
    last_seen_at: OffsetDateTime,
    /// How many times the same bytes arrived.
    times_seen: i32,
    #[schema(pattern = "^(open|retried|discarded)$")]
    state: String,
    /// When the item was retried successfully or discarded.
    #[serde(with = "time::serde::rfc3339::option")]
    resolved_at: Option<OffsetDateTime>,
    /// The email address of the user who resolved the item, if the user still exists.
    resolved_by: Option<String>,
    /// The outcome of the last retry, or the reason for discarding.
    resolution: Option<String>,
}

/// Open items with the same reason.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuarantineGroup {
    reason: String,
    count: i64,
    #[serde(with = "time::serde::rfc3339")]
    first_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_at: OffsetDateTime,
}

/// Selects the items that a page lists.
pub(crate) struct QuarantineFilter {
    /// `open`, `retried` or `discarded`.
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    /// The label of a key.
    pub(crate) webhook: Option<String>,
}

/// Selects open items: those that match every specified field, or all items if no field is specified.
#[derive(Debug, Default, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Selection)]
pub(crate) struct QuarantineSelection {
    #[schema(max_items = 1000)]
    pub(crate) ids: Option<Vec<i64>>,
    pub(crate) reason: Option<String>,
    /// The label of a key.
    pub(crate) webhook: Option<String>,
    pub(crate) simulated: Option<bool>,
}

/// Open items that a selection matches.
pub(crate) struct SelectedItems {
    /// The ids of the oldest matching items, up to the limit.
    pub(crate) ids: Vec<i64>,
    /// The total number of matching items.
    pub(crate) total: i64,
}

/// Items with ids below `before`, newest first.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn list(
    pool: &PgPool,
    filter: &QuarantineFilter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<QuarantinedItem>, sqlx::Error> {
    sqlx::query_as!(
        QuarantinedItem,
        r#"select quarantine.id, origin, reason, detail, webhook, simulated, source, octet_length(raw) as "size!", received_at, last_seen_at,
                  times_seen, state, resolved_at, users.email as "resolved_by?", resolution
           from quarantine left join users on users.id = resolved_by
           where state = $1 and ($2::text is null or reason = $2) and ($3::text is null or webhook = $3)
             and ($4::bigint is null or quarantine.id < $4)
           order by quarantine.id desc limit $5"#,
        filter.state,
        filter.reason,
        filter.webhook,
        before,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Open items by reason, the most frequent first; at most 100 reasons.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn open_groups(pool: &PgPool) -> Result<Vec<QuarantineGroup>, sqlx::Error> {
    sqlx::query_as!(
        QuarantineGroup,
        r#"select reason, count(*) as "count!", min(received_at) as "first_at!", max(last_seen_at) as "last_at!"
           from quarantine where state = 'open' group by reason order by count(*) desc, reason limit 100"#
    )
    .fetch_all(pool)
    .await
}

pub(crate) async fn find(pool: &PgPool, id: i64) -> Result<Option<QuarantinedItem>, sqlx::Error> {
    sqlx::query_as!(
        QuarantinedItem,
        r#"select quarantine.id, origin, reason, detail, webhook, simulated, source, octet_length(raw) as "size!", received_at, last_seen_at,
                  times_seen, state, resolved_at, users.email as "resolved_by?", resolution
           from quarantine left join users on users.id = resolved_by where quarantine.id = $1"#,
        id
    )
    .fetch_optional(pool)
    .await
}

/// The bytes of an item, as received.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn bytes(pool: &PgPool, id: i64) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!("select raw from quarantine where id = $1", id).fetch_optional(pool).await
}

pub(crate) async fn select_open(
    pool: &PgPool,
    selection: &QuarantineSelection,
    limit: i64,
) -> Result<SelectedItems, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id, count(*) over () as "total!" from quarantine
           where state = 'open' and ($1::bigint[] is null or id = any($1)) and ($2::text is null or reason = $2)
             and ($3::text is null or webhook = $3) and ($4::boolean is null or simulated = $4)
           order by id limit $5"#,
        selection.ids.as_deref(),
        selection.reason,
        selection.webhook,
        selection.simulated,
        limit
    );
    let rows = rows.fetch_all(pool).await?;
    let total = rows.first().map_or(0, |first| first.total);
    Ok(SelectedItems { ids: rows.into_iter().map(|row| row.id).collect(), total })
}

/// Discards the items that are still open and returns how many were discarded. Their bytes are kept.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn discard(pool: &PgPool, ids: &[i64], user: i64, reason: &str) -> Result<u64, sqlx::Error> {
    let discarded = sqlx::query!(
        "update quarantine set state = 'discarded', resolved_at = now(), resolved_by = $2, resolution = $3
             where id = any($1) and state = 'open'",
        ids,
        user,
        reason
    );
    Ok(discarded.execute(pool).await?.rows_affected())
}
