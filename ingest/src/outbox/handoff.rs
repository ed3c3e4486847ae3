//! What a commit has to tell: notifications and one row of the outbox, written with the events; and, once
//! they are committed, the same as the feed's items, handed to the relay so that it need not read back what is known here.

use std::collections::HashMap;
use std::sync::Arc;

use shared::event::Event;
use shared::feed::{EncodedBatch, FeedItem};
use shared::notification::Notification;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::notify::rules::Telling;
use crate::store::copy::Row;

/// Bytes of deliveries whose items wait for the relay in memory, at most; what finds no place is read back from the outbox.
const MEMORY: usize = 16 << 20;
/// Commits that wait there, at most.
const QUEUE: usize = 256;

/// A row of the outbox, and what it announces.
#[derive(Debug)]
pub(crate) struct Announcement {
    /// The row.
    pub(crate) outbox_id: i64,
    /// In the order of the events' ids.
    pub(crate) items: EncodedBatch,
    /// Its place in memory, given back once it is published.
    pub(crate) place: OwnedSemaphorePermit,
}

/// The way to the relay.
#[derive(Debug, Clone)]
pub(crate) struct Relay {
    queue: mpsc::Sender<Announcement>,
    memory: Arc<Semaphore>,
}

/// The way to the relay, and the relay's end of it.
pub(crate) fn queue() -> (Relay, mpsc::Receiver<Announcement>) {
    let (queue, announced) = mpsc::channel(QUEUE);
    (Relay { queue, memory: Arc::new(Semaphore::new(MEMORY)) }, announced)
}

impl Relay {
    /// Hands over what was committed, of so many bytes, unless there is no place for it: then the relay finds it in the outbox.
    pub(crate) fn tell(&self, told: Told, rows: Vec<Row<'_>>, size: usize) {
        let permits = u32::try_from(size.clamp(1, MEMORY)).unwrap_or(u32::MAX);
        if let Ok(place) = Arc::clone(&self.memory).try_acquire_many_owned(permits) {
            let announcement = told.encode(rows, place);
            // A full queue is no loss either.
            let _ = self.queue.try_send(announcement);
        }
    }
}

/// Where rows were announced.
#[derive(Debug)]
pub(crate) struct Told {
    outbox_id: i64,
    received_at: OffsetDateTime,
    /// Notifications' ids by those of their events.
    notifications: HashMap<i64, i64>,
}

/// Writes notifications and outbox for `rows`, all received at one time.
pub(crate) async fn write(
    connection: &mut PgConnection,
    rows: &[Row<'_>],
    received_at: OffsetDateTime,
) -> Result<Option<Told>, sqlx::Error> {
    let ids = || rows.iter().map(|row| row.id);
    let (Some(first), Some(last)) = (ids().min(), ids().max()) else { return Ok(None) };
    let told: Vec<(&Row<'_>, &Telling)> = rows.iter().filter_map(|row| Some((row, row.event.telling.as_ref()?))).collect();
    let ids: Vec<i64> = told.iter().map(|(row, _)| row.id).collect();
    let kinds: Vec<&str> = told.iter().map(|(_, telling)| telling.kind).collect();
    let titles: Vec<&str> = told.iter().map(|(_, telling)| telling.title.as_str()).collect();
    let bodies: Vec<&str> = told.iter().map(|(_, telling)| telling.body.as_str()).collect();
    let audiences: Vec<String> = told.iter().map(|(_, telling)| telling.audience.to_string()).collect();
    let messages: Vec<Option<&str>> = told.iter().map(|(row, _)| row.event.message_id.as_deref()).collect();
    let recipients: Vec<Option<&str>> = told.iter().map(|(row, _)| row.event.recipient.as_deref()).collect();
    let told = sqlx::query!(
        r#"with told as (
             insert into notifications (kind, title, body, event_id, message_id, recipient, audience)
             select kind, title, body, id, message_id, recipient, audience
             from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $10::text[], $11::text[])
               as t (id, title, body, message_id, recipient, kind, audience)
             order by id
             returning id, event_id
           ), queued as (
             insert into outbox (event_received_at, event_id, last_event_id, notification_id, last_notification_id, items)
             select $6, $7, $8, min(id), max(id), $9 from told
             returning id
           )
           select queued.id as "outbox_id!",
                  (select array_agg(id order by id) from told) as notifications,
                  (select array_agg(event_id order by id) from told) as "events: Vec<i64>"
           from queued"#,
        &ids,
        &titles as &[&str],
        &bodies as &[&str],
        &messages as &[Option<&str>],
        &recipients as &[Option<&str>],
        received_at,
        first,
        last,
        i32::try_from(rows.len()).unwrap_or(i32::MAX),
        &kinds as &[&str],
        &audiences
    )
    .fetch_one(connection)
    .await?;
    Ok(Some(Told::new(told.outbox_id, received_at, told.events, told.notifications)))
}

impl Told {
    /// Of the notifications' ids and those of their events, in one order; none where nobody is told.
    pub(crate) fn new(
        outbox_id: i64,
        received_at: OffsetDateTime,
        events: Option<Vec<i64>>,
        notifications: Option<Vec<i64>>,
    ) -> Self {
        let notifications = events.into_iter().flatten().zip(notifications.into_iter().flatten()).collect();
        Self { outbox_id, received_at, notifications }
    }

    /// What the relay publishes of these rows.
    fn encode(self, mut rows: Vec<Row<'_>>, place: OwnedSemaphorePermit) -> Announcement {
        rows.sort_unstable_by_key(|row| row.id);
        let mut items = EncodedBatch::expecting(rows.len());
        for row in &rows {
            // What does not serialise does not in the outbox either, where it is kept apart in the end.
            let _ = items.push(&self.item(row));
        }
        Announcement { outbox_id: self.outbox_id, items, place }
    }

    fn item<'a>(&self, row: &'a Row<'_>) -> FeedItem<&'a str> {
        let event = row.event;
        let metadata = event.metadata.as_ref().map(|metadata| Json(metadata.json.clone().into_owned()));
        let notification = self.notifications.get(&row.id).zip(event.telling.as_ref()).map(|(id, telling)| Notification {
            id: *id,
            kind: telling.kind,
            title: telling.title.as_str(),
            body: telling.body.as_str(),
            event_id: Some(row.id),
            message_id: event.message_id.as_deref(),
            recipient: event.recipient.as_deref(),
            from: None,
            to: telling.audience.clone(),
            at: self.received_at,
        });
        let event = Event {
            id: row.id,
            kind: event.kind.as_ref(),
            occurred_at: event.occurred_at.unwrap_or(self.received_at),
            received_at: self.received_at,
            message_id: event.message_id.as_deref(),
            recipient: event.recipient.as_deref(),
            sender: event.sender.as_deref(),
            subject: event.subject.as_deref(),
            tags: event.tags.iter().map(AsRef::as_ref).collect(),
            metadata,
            template: event.template.as_deref(),
            subaccount: event.subaccount.as_deref(),
            url: event.url.as_deref(),
            ip: event.ip.as_deref(),
            user_agent: event.user_agent.as_deref(),
            country: event.country.as_deref(),
            city: event.city.as_deref(),
            diagnostic: event.diagnostic.as_deref(),
            simulated: row.source.is_simulation(),
            webhook: row.source.label(),
            erased_at: None,
        };
        FeedItem { event: Some(event), search: Some(&row.event.search), notification, read: None }
    }
}
