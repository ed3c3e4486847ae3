//! Writing the outbox: with the events of a transaction, their notifications and one row that announces all of them.

use std::collections::HashMap;

use sqlx::postgres::PgConnection;
use time::OffsetDateTime;

use super::row::Row;
use crate::notify::draft::NotificationDraft;

/// A statement that writes notifications and the outbox row, for both ways of inserting events. The text before the shared part defines
/// the relations `drafts (id, kind, title, body, message_id, recipient, audience)`, the notifications by the ids of their events, and
/// `announced (received_at, first, last, items)`, the stored events in one row, or none. The shared part defines `notified (id,
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

/// A row of the outbox: what the publisher needs to publish its events without reading them back.
#[derive(Debug)]
pub(crate) struct OutboxRow {
    /// The row's id.
    pub(crate) id: i64,
    /// The time of receipt of its events.
    pub(crate) received_at: OffsetDateTime,
    /// The ids of notifications by the ids of their events.
    pub(crate) notifications: HashMap<i64, i64>,
}

impl OutboxRow {
    /// Pairs the ids of notifications with those of their events, which come in one order; `None` if nothing was notified.
    pub(super) fn new(id: i64, received_at: OffsetDateTime, events: Option<Vec<i64>>, notifications: Option<Vec<i64>>) -> Self {
        let notifications = events.into_iter().flatten().zip(notifications.into_iter().flatten()).collect();
        Self { id, received_at, notifications }
    }
}

/// Writes the notifications of `rows` and the outbox row that announces them. `None` without rows.
///
/// # Errors
/// When Postgres fails.
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
