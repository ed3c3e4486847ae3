//! Handing committed events to the publisher in memory, so that it need not read back what this process knows.

use std::sync::Arc;

use shared::feed::{EncodedBatch, FeedItem};
use shared::notification::Notification;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::store::outbox::OutboxRow;
use crate::store::row::Row;

/// Most bytes of deliveries whose items wait for the publisher in memory. It reads the others back from the outbox.
const MAX_MEMORY: usize = 16 << 20;
/// Most commits that wait for the publisher.
const QUEUE_CAPACITY: usize = 256;

/// A row of the outbox with the items that it announces.
#[derive(Debug)]
pub(crate) struct OutboxEntry {
    /// The id of the row.
    pub(crate) id: i64,
    /// In the order of the events' ids.
    pub(crate) items: EncodedBatch,
    /// The share of the memory budget, released once the items are published.
    pub(crate) memory: OwnedSemaphorePermit,
}

/// The writers' way to the publisher.
#[derive(Debug, Clone)]
pub(crate) struct PublisherHandle {
    queue: mpsc::Sender<OutboxEntry>,
    memory: Arc<Semaphore>,
}

/// The way to the publisher, and the publisher's end of it.
pub(crate) fn channel() -> (PublisherHandle, mpsc::Receiver<OutboxEntry>) {
    let (queue, entries) = mpsc::channel(QUEUE_CAPACITY);
    (PublisherHandle { queue, memory: Arc::new(Semaphore::new(MAX_MEMORY)) }, entries)
}

impl PublisherHandle {
    /// Sends committed rows that came in `size` bytes of deliveries. Without memory for them, the publisher finds them in the outbox.
    pub(crate) fn send(&self, outbox: OutboxRow, rows: Vec<Row<'_>>, size: usize) {
        let permits = u32::try_from(size.clamp(1, MAX_MEMORY)).unwrap_or(u32::MAX);
        if let Ok(memory) = Arc::clone(&self.memory).try_acquire_many_owned(permits) {
            let items = encode(&outbox, rows);
            // A full queue loses nothing either.
            let _ = self.queue.try_send(OutboxEntry { id: outbox.id, items, memory });
        }
    }
}

/// The feed items of committed rows.
fn encode(outbox: &OutboxRow, mut rows: Vec<Row<'_>>) -> EncodedBatch {
    rows.sort_unstable_by_key(|row| row.id);
    let mut items = EncodedBatch::expecting(rows.len());
    for row in &rows {
        // An item that does not serialise does not do so from the outbox either, and ends in quarantine there.
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
        at: outbox.received_at,
    });
    let event = event.to_event(row.id, outbox.received_at, row.source);
    FeedItem { event: Some(event), search: Some(&row.event.search), notification, read: None }
}
