//! From the queue of verified deliveries to commits: a few writers, each of which commits several deliveries together.
//!
//! While a writer waits for Postgres, deliveries gather; the next free writer takes them in one transaction. No timer delays a delivery,
//! and under load dozens of small posts cost one commit. A queued delivery holds its share of the memory budget.

mod batching;
mod writer;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::webhook::delivery::{self, DeliverySender, QueuedDelivery};
use batching::CommitQueue;
pub(crate) use writer::Writer;

/// Most deliveries in the queue. The memory budget is the tighter bound.
const CAPACITY: usize = 4096;

/// The queue's sending end, for the handlers, and its receiving end, for [`start`].
pub(crate) fn channel() -> (DeliverySender, mpsc::Receiver<QueuedDelivery>) {
    delivery::channel(CAPACITY)
}

/// Starts `count` writers. After `stop` they accept no new delivery, commit the queued ones, and end.
pub(crate) fn start(
    queue: mpsc::Receiver<QueuedDelivery>,
    count: usize,
    writer: Writer,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let queue = Arc::new(CommitQueue::new(queue));
    let writer = Arc::new(writer);
    for _ in 0..count {
        let (queue, writer, stop) = (Arc::clone(&queue), Arc::clone(&writer), stop.clone());
        tasks.spawn(async move {
            while let Some((deliveries, guard)) = queue.take(&stop).await {
                let writer = Arc::clone(&writer);
                // A task of its own: if it panics, its clients get 503, and the writer goes on.
                if tokio::spawn(async move { writer.write(deliveries).await }).await.is_err() {
                    tracing::error!("a writer panicked; its deliveries were not stored and Mandrill will retry them");
                }
                drop(guard);
            }
        });
    }
}
