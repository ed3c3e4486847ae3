//! Reads and removes outbox rows for the publisher.

use shared::feed::FeedItem;
use shared::notification::{Notification, Sender};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use time::OffsetDateTime;

/// Maximum number of items in the rows claimed by one transaction, unless a single row has more.
const MAX_ITEMS: i64 = 2_000;

/// Selects the rows that a transaction claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selection {
    /// Rows that Redis has never rejected and that no process is about to publish from memory.
    Orphaned,
    /// All rows that Redis has never rejected.
    All,
    /// Rows that Redis has rejected.
    Refused,
}

/// An outbox row: the events of one commit with their notifications, or a single notification without an event.
#[derive(Debug)]
pub(crate) struct PendingRow {
    pub(crate) id: i64,
    /// How many times Redis has rejected the row.
    pub(crate) attempts: i16,
    /// The receive time of the events.
    pub(crate) received_at: Option<OffsetDateTime>,
    /// The first and last id of the events.
    pub(crate) events: Option<(i64, i64)>,
    /// The first and last id of the notifications.
    pub(crate) notifications: Option<(i64, i64)>,
    /// An item that is neither an event nor a notification.
    pub(crate) item: Option<FeedItem>,
}

/// Begins a transaction that claims rows. Its commit does not wait for the disk: if a crash loses the commit, the rows are published again,
/// and readers drop items they have already seen.
///
/// # Errors
/// Returns an error if Postgres is unavailable.
pub(crate) async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query!("set local synchronous_commit = off").execute(&mut *transaction).await?;
    Ok(transaction)
}

/// Claims up to `limit` rows, oldest first. They stay in the outbox if the transaction does not commit.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn take(
    connection: &mut PgConnection,
    limit: i64,
    selection: Selection,
) -> Result<Vec<PendingRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"with next as (
             select id, items from outbox
             where case when $2 then attempts > 0 else attempts <= 0 end
               and ($2 or $4 or event_id is null or created_at < now() - interval '1 second')
             order by id limit $1 for update skip locked
           ), few as (
             select id, sum(items) over (order by id) - items as before from next
           )
           delete from outbox where id in (select id from few where before < $3)
           returning id, attempts, event_received_at, event_id, last_event_id, notification_id, last_notification_id,
                     item as "item: Json<FeedItem>""#,
        limit,
        selection == Selection::Refused,
        MAX_ITEMS,
        selection == Selection::All
    )
    .fetch_all(connection)
    .await?;
    let range = |first: Option<i64>, last: Option<i64>| first.map(|first| (first, last.unwrap_or(first)));
    let mut rows: Vec<PendingRow> = rows
        .into_iter()
        .map(|row| PendingRow {
            id: row.id,
            attempts: row.attempts,
            received_at: row.event_received_at,
            events: range(row.event_id, row.last_event_id),
            notifications: range(row.notification_id, row.last_notification_id),
            item: row.item.map(|Json(item)| item),
        })
        .collect();
    rows.sort_unstable_by_key(|row| row.id);
    Ok(rows)
}

/// The notifications that a row announces. Ids of other notifications can lie between its first and last ids, so only notifications for the
/// row's own events are included, or the single notification that the row contains.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn notifications(connection: &mut PgConnection, row: &PendingRow) -> Result<Vec<Notification>, sqlx::Error> {
    let Some((first, last)) = row.notifications else { return Ok(Vec::new()) };
    let rows = sqlx::query!(
        r#"select told.id, kind, title, body, event_id, message_id, recipient, audience, told.created_at, sender_id,
                  users.email as "sender?", judged.actor, judged.actor_reason
           from notifications told left join users on users.id = sender_id
           left join lateral (select actor, actor_reason from events where events.id = event_id) as judged on true
           where told.id between $1 and $2 and (told.id = $1 or told.event_id between $3 and $4)
           order by told.id"#,
        first,
        last,
        row.events.map(|(first, _)| first),
        row.events.map(|(_, last)| last)
    )
    .fetch_all(connection)
    .await?;
    let notifications = rows.into_iter().filter_map(|row| {
        Some(Notification {
            id: row.id,
            kind: row.kind,
            title: row.title,
            body: row.body,
            event_id: row.event_id,
            message_id: row.message_id,
            recipient: row.recipient,
            from: row.sender_id.zip(row.sender).map(|(id, email)| Sender { id, email }),
            to: row.audience.parse().ok()?,
            actor: row.actor,
            actor_reason: row.actor_reason,
            at: row.created_at,
        })
    });
    Ok(notifications.collect())
}

/// Deletes published rows in a statement that does not wait for the disk. If a crash loses the deletion, or another replica claims a row
/// that has been pending for a second, the row is published twice, and readers drop items they have already seen.
///
/// # Errors
/// Returns an error if Postgres is unavailable.
pub(crate) async fn delete_published(pool: &PgPool, ids: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with unsynced as (select set_config('synchronous_commit', 'off', true))
         delete from outbox using unsynced where id = any($1)",
        ids
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Replaces a row that announces the events `first..=last` with two rows that announce half of them each.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn split(pool: &PgPool, id: i64, first: i64, last: i64) -> Result<(), sqlx::Error> {
    let middle = first + (last - first) / 2;
    // Both halves list the full notification range, since each announces only the notifications for its own events.
    sqlx::query!(
        "with whole as (delete from outbox where id = $1 returning *)
             insert into outbox
               (event_received_at, event_id, last_event_id, notification_id, last_notification_id, items, attempts, created_at)
             select event_received_at, half.first, half.last, notification_id, last_notification_id,
                    greatest(items / 2, 1), attempts, created_at
             from whole, (values ($2::bigint, $3::bigint), ($3 + 1, $4::bigint)) as half (first, last)",
        id,
        first,
        middle,
        last
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Increments the rejection count of a row that cannot be split.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count_attempt(pool: &PgPool, id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("update outbox set attempts = greatest(attempts, 0) + 1 where id = $1", id).execute(pool).await?;
    Ok(())
}

/// Deletes a row.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn delete(connection: &mut PgConnection, id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from outbox where id = $1", id).execute(connection).await?;
    Ok(())
}
