//! Commits deliveries from the queue of verified deliveries. There are a few writers, and each commits several deliveries at a time.
//!
//! While a writer waits for Postgres, deliveries accumulate in the queue, and the next free writer commits them in one transaction. No
//! timer delays a delivery, and under load dozens of small requests share one commit. A queued delivery holds its share of the memory
//! budget.

mod batching;
mod writer;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::webhook::delivery::{self, DeliverySender, QueuedDelivery};
use batching::CommitQueue;
pub(crate) use writer::Writer;

/// Maximum number of deliveries in the queue. In practice, the memory budget is the tighter limit.
const CAPACITY: usize = 4096;

/// Creates the queue and returns its sender, for the handlers, and its receiver, for [`start`].
pub(crate) fn channel() -> (DeliverySender, mpsc::Receiver<QueuedDelivery>) {
    delivery::channel(CAPACITY)
}

/// Starts `count` writers. After `stop`, they accept no new deliveries, commit those already queued, and exit.
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
                // Run in a separate task: if it panics, the affected clients get 503 and the writer continues.
                if tokio::spawn(async move { writer.write(deliveries).await }).await.is_err() {
                    tracing::error!("a writer panicked; its deliveries were not stored and Mandrill will retry them");
                }
                drop(guard);
            }
        });
    }
}
