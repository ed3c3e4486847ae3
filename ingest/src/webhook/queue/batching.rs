//! Decides which deliveries a writer commits together and when it starts a commit.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::webhook::delivery::QueuedDelivery;

/// Number of deliveries for which a writer starts a commit while others are committing. It takes this many, or a third of the queue if that
/// is more. If it took the whole queue, Postgres would be idle until the clients sent more, and the clients would be idle while Postgres
/// worked.
const MIN_BATCH_DELIVERIES: usize = 24;
/// Amount of JSON, in bytes, for which a writer also starts a commit: about thirty events.
const MIN_BATCH_BYTES: usize = 48 << 10;
/// Maximum amount of JSON, in bytes, for a commit that takes only milliseconds.
const SMALL_COMMIT_BYTES: usize = 256 << 10;
/// Maximum amount of JSON in one transaction, in bytes, unless a single delivery is larger.
const MAX_BATCH_BYTES: usize = 4 << 20;

/// The queue shared by the writers.
#[derive(Debug)]
pub(super) struct CommitQueue {
    queue: Mutex<mpsc::Receiver<QueuedDelivery>>,
    /// Number of writers with a small commit in progress, which is worth waiting for.
    committing: AtomicUsize,
    /// Wakes a waiting writer when one of these commits finishes.
    finished: Notify,
}

impl CommitQueue {
    pub(super) fn new(queue: mpsc::Receiver<QueuedDelivery>) -> Self {
        Self { queue: Mutex::new(queue), committing: AtomicUsize::new(0), finished: Notify::new() }
    }

    /// Waits for a delivery and takes it together with the deliveries queued behind it. While other writers are committing, it also waits
    /// until the batch is large enough to commit or the other commits have finished. This takes only milliseconds, because it does not wait for
    /// large commits. Returns `None` after `stop` once the queue is empty.
    pub(super) async fn take(&self, stop: &CancellationToken) -> Option<(Vec<QueuedDelivery>, CommitGuard<'_>)> {
        let mut queue = self.queue.lock().await;
        let mut taken: Vec<QueuedDelivery> = Vec::new();
        let mut bytes = 0;
        loop {
            while taken.len() < MIN_BATCH_DELIVERIES.max(queue.len() / 2)
                && bytes < MAX_BATCH_BYTES
                && let Ok(next) = queue.try_recv()
            {
                bytes += next.delivery.value.len();
                taken.push(next);
            }
            let is_worth_a_commit =
                taken.len() >= MIN_BATCH_DELIVERIES || bytes >= MIN_BATCH_BYTES || self.committing.load(Ordering::Acquire) == 0;
            if !taken.is_empty() && is_worth_a_commit {
                return Some((taken, CommitGuard::new(self, bytes)));
            }
            tokio::select! {
                next = queue.recv() => {
                    let Some(next) = next else { return (!taken.is_empty()).then(|| (taken, CommitGuard::new(self, bytes))) };
                    bytes += next.delivery.value.len();
                    taken.push(next);
                }
                () = self.finished.notified(), if !taken.is_empty() => {}
                () = stop.cancelled(), if !queue.is_closed() => queue.close(),
            }
        }
    }
}

/// Guard held during a commit. It counts the commit if it is small.
#[derive(Debug)]
pub(super) struct CommitGuard<'a>(Option<&'a CommitQueue>);

impl<'a> CommitGuard<'a> {
    fn new(queue: &'a CommitQueue, bytes: usize) -> Self {
        if bytes > SMALL_COMMIT_BYTES {
            return Self(None);
        }
        queue.committing.fetch_add(1, Ordering::AcqRel);
        Self(Some(queue))
    }
}

impl Drop for CommitGuard<'_> {
    fn drop(&mut self) {
        if let Some(queue) = self.0 {
            queue.committing.fetch_sub(1, Ordering::AcqRel);
            queue.finished.notify_one();
        }
    }
}
