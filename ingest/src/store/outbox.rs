//! Writes the outbox: together with a transaction's events, their notifications and one row that announces all of them.

use std::collections::HashMap;

use shared::feed::FeedItem;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::row::Row;
use crate::notify::draft::NotificationDraft;

/// A statement that writes notifications and the outbox row, for both ways of inserting events. The text before the shared part defines two
/// relations: `drafts (id, kind, title, body, message_id, recipient, audience)`, the notifications keyed by event id, and `announced
/// (received_at, first, last, items)`, which has a single row for the stored events, or no row. The shared part defines `notified (id,
/// event_id)` and `queued (id)`.
macro_rules! announcing {
    ($before:literal, $after:literal, $($bind:expr),* $(,)?) => {
        sqlx::query!(
            $before
                + ", notified as (
                     insert into notifications (kind, title, body, event_id, message_id, recipient, audience)
                     select kind, title, body, id, message_id, recipient, audience from drafts order by id
                     returning id, event_id
                   ), queued as (
                     insert into outbox (event_received_at, event_id, last_event_id, notification_id, last_notification_id, items)
                     select received_at, first, last, (select min(id) from notified), (select max(id) from notified), items
                     from announced
                     returning id
                   )"
                + $after,
            $($bind),*
        )
    };
}
pub(super) use announcing;

/// An outbox row: the data needed to publish its events without reading them back from the database.
#[derive(Debug)]
pub(crate) struct OutboxRow {
    /// The row's id.
    pub(crate) id: i64,
    /// The receive time of its events.
    pub(crate) received_at: OffsetDateTime,
    /// Notification ids keyed by event id.
    pub(crate) notifications: HashMap<i64, i64>,
}

impl OutboxRow {
    /// Pairs notification ids with the ids of their events, which are in the same order; `None` if there were no notifications.
    pub(super) fn new(id: i64, received_at: OffsetDateTime, events: Option<Vec<i64>>, notifications: Option<Vec<i64>>) -> Self {
        let notifications = events.into_iter().flatten().zip(notifications.into_iter().flatten()).collect();
        Self { id, received_at, notifications }
    }
}

/// Queues an item that is neither an event nor a notification.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn announce_item(connection: &mut PgConnection, item: &FeedItem) -> Result<(), sqlx::Error> {
    sqlx::query!("insert into outbox (item, attempts) values ($1, -1)", Json(item) as _).execute(connection).await?;
    Ok(())
}

/// Writes the notifications for `rows` and the outbox row that announces them. Returns `None` if there are no rows.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(super) async fn announce(
    connection: &mut PgConnection,
    rows: &[Row<'_>],
    received_at: OffsetDateTime,
) -> Result<Option<OutboxRow>, sqlx::Error> {
    let ids = || rows.iter().map(|row| row.id);
    let (Some(first), Some(last)) = (ids().min(), ids().max()) else { return Ok(None) };
    let items = i32::try_from(rows.len()).unwrap_or(i32::MAX);
    let notified: Vec<(&Row<'_>, &NotificationDraft)> = rows.iter().filter_map(|row| Some((row, row.notification?))).collect();
    let ids: Vec<i64> = notified.iter().map(|(row, _)| row.id).collect();
    let kinds: Vec<&str> = notified.iter().map(|(_, draft)| draft.kind).collect();
    let titles: Vec<&str> = notified.iter().map(|(_, draft)| draft.title.as_str()).collect();
    let bodies: Vec<&str> = notified.iter().map(|(_, draft)| draft.body.as_str()).collect();
    let messages: Vec<Option<&str>> = notified.iter().map(|(row, _)| row.event.message_id.as_deref()).collect();
    let recipients: Vec<Option<&str>> = notified.iter().map(|(row, _)| row.event.recipient.as_deref()).collect();
    let audiences: Vec<String> = notified.iter().map(|(_, draft)| draft.audience.to_string()).collect();
    let written = announcing! {
        "with drafts as (
           select * from unnest($5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
             as t (id, kind, title, body, message_id, recipient, audience)
         ), announced as (
           select $1::timestamptz as received_at, $2::bigint as first, $3::bigint as last, $4::integer as items
         )",
        r#" select queued.id as "outbox_id!",
                   (select array_agg(id order by id) from notified) as notifications,
                   (select array_agg(event_id order by id) from notified) as "events: Vec<i64>"
            from queued"#,
        received_at, first, last, items,
        &ids, &kinds as &[&str], &titles as &[&str], &bodies as &[&str],
        &messages as &[Option<&str>], &recipients as &[Option<&str>], &audiences,
    };
    let written = written.fetch_one(connection).await?;
    Ok(Some(OutboxRow::new(written.outbox_id, received_at, written.events, written.notifications)))
}
