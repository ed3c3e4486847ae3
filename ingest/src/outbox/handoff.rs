//! Hands committed events to the publisher in memory, so that it does not have to read them back from Postgres.

use std::sync::Arc;

use shared::feed::{EncodedBatch, FeedItem};
use shared::notification::Notification;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::store::outbox::OutboxRow;
use crate::store::row::Row;

/// Maximum total size of the deliveries whose items are held in memory for the publisher. It reads all other items back from the outbox.
const MAX_MEMORY: usize = 16 << 20;
/// Maximum number of commits queued for the publisher.
const QUEUE_CAPACITY: usize = 256;

/// An outbox row together with the items it refers to.
#[derive(Debug)]
pub(crate) struct OutboxEntry {
    /// The id of the row.
    pub(crate) id: i64,
    /// Sorted by event id.
    pub(crate) items: EncodedBatch,
    /// This entry's share of the memory budget. It is released once the items have been published.
    pub(crate) memory: OwnedSemaphorePermit,
}

/// The handle through which writers send entries to the publisher.
#[derive(Debug, Clone)]
pub(crate) struct PublisherHandle {
    queue: mpsc::Sender<OutboxEntry>,
    memory: Arc<Semaphore>,
}

/// Creates the channel to the publisher: the writers' handle and the publisher's receiver.
pub(crate) fn channel() -> (PublisherHandle, mpsc::Receiver<OutboxEntry>) {
    let (queue, entries) = mpsc::channel(QUEUE_CAPACITY);
    (PublisherHandle { queue, memory: Arc::new(Semaphore::new(MAX_MEMORY)) }, entries)
}

impl PublisherHandle {
    /// Sends committed rows that arrived in deliveries totalling `size` bytes. If the memory budget is exhausted, the publisher reads them
    /// from the outbox instead.
    pub(crate) fn send(&self, outbox: OutboxRow, rows: Vec<Row<'_>>, size: usize) {
        let permits = u32::try_from(size.clamp(1, MAX_MEMORY)).unwrap_or(u32::MAX);
        if let Ok(memory) = Arc::clone(&self.memory).try_acquire_many_owned(permits) {
            let items = encode(&outbox, rows);
            // Nothing is lost if the queue is full, because the rows are still in the outbox.
            let _ = self.queue.try_send(OutboxEntry { id: outbox.id, items, memory });
        }
    }
}

/// Encodes committed rows as feed items.
fn encode(outbox: &OutboxRow, mut rows: Vec<Row<'_>>) -> EncodedBatch {
    rows.sort_unstable_by_key(|row| row.id);
    let mut items = EncodedBatch::expecting(rows.len());
    for row in &rows {
        // An item that cannot be serialised here cannot be serialised from the outbox either, where it is eventually quarantined.
        let _ = items.push(&item(outbox, row));
    }
    items
}

fn item<'a>(outbox: &OutboxRow, row: &'a Row<'_>) -> FeedItem<&'a str> {
    let event = row.event;
    let notification = outbox.notifications.get(&row.id).zip(row.notification).map(|(id, draft)| Notification {
        id: *id,
        kind: draft.kind,
        title: draft.title.as_str(),
        body: draft.body.as_str(),
        event_id: Some(row.id),
        message_id: event.message_id.as_deref(),
        recipient: event.recipient.as_deref(),
        from: None,
        to: draft.audience.clone(),
        actor: event.actor.map(|(actor, _)| actor.code()),
        actor_reason: event.actor.map(|(_, reason)| reason.code()),
        at: outbox.received_at,
    });
    let event = event.to_event(row.id, outbox.received_at, row.source);
    FeedItem { event: Some(event), search: Some(&row.event.search), notification, ..FeedItem::default() }
}
