//! The writers: a few tasks that commit what is queued, however many deliveries that is, in one transaction.
//!
//! While a writer waits for Postgres, deliveries gather; the next free writer takes them all. Nobody waits for a timer, and
//! under load a hundred small posts cost one commit. A delivery that waits holds its room in memory, and is committed even
//! when its client has gone: what was proved is kept.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::sync::{Mutex, Notify, OwnedSemaphorePermit, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::commit::{self, Vouched};
use super::heavy;
use super::payload::Batch;
use crate::error::is_away;

/// Deliveries that wait at most; each also holds room in memory, which is the tighter bound.
const QUEUE: usize = 4096;
/// Bytes of values that one transaction takes, unless a single delivery is larger.
const MOST_BYTES: usize = 4 << 20;

/// What became of a batch's elements; the answer to the delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Elements in the delivery.
    pub received: usize,
    /// New events.
    pub stored: usize,
    /// Events that were here already, or twice in this delivery.
    pub duplicates: usize,
    /// Elements kept apart.
    pub quarantined: usize,
}

/// By whom a batch was vouched for.
#[derive(Debug, Clone)]
pub enum Source {
    /// A Mandrill signature, by the key with this label.
    Webhook(String),
    /// A signed-in admin, or a token.
    Simulation,
}

impl Source {
    /// The label of the key.
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::Webhook(label) => Some(label),
            Self::Simulation => None,
        }
    }

    /// True for events that Mandrill did not send.
    pub fn is_simulation(&self) -> bool {
        matches!(self, Self::Simulation)
    }
}

/// A value of `mandrill_events` that was vouched for, and the room that it takes.
#[derive(Debug)]
pub struct Delivery {
    /// What was received.
    pub bytes: Vec<u8>,
    /// Where in it the value lies.
    pub value: Range<usize>,
    /// By whom it was vouched for.
    pub source: Source,
    /// Given back once the delivery is committed.
    pub room: OwnedSemaphorePermit,
}

impl Delivery {
    fn read(&self, now: OffsetDateTime) -> Batch<'_> {
        Batch::read(&self.bytes[self.value.clone()], self.source.is_simulation(), now)
    }
}

struct Waiting {
    delivery: Delivery,
    answer: oneshot::Sender<Result<Receipt, NotStored>>,
}

/// Why a delivery was not stored; shared by all that were to be committed with it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotStored {
    /// Postgres failed.
    #[error("the database failed")]
    Database(Arc<sqlx::Error>),
    /// The service stops, or a writer did.
    #[error("no writer is there")]
    NoWriter,
}

/// The way to the writers.
#[derive(Debug, Clone)]
pub struct Writers(mpsc::Sender<Waiting>);

/// The writers' end of it.
pub struct Queue(Arc<Mutex<mpsc::Receiver<Waiting>>>);

/// A queue, with a writer at neither end yet.
pub fn queue() -> (Writers, Queue) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (Writers(sender), Queue(Arc::new(Mutex::new(receiver))))
}

impl Writers {
    /// Commits a delivery, together with others. On `Ok` it is durable. Whoever stops waiting does not stop the commit.
    ///
    /// # Errors
    /// When Postgres is away or fails, or the service stops.
    pub async fn store(&self, delivery: Delivery) -> Result<Receipt, NotStored> {
        let (answer, receipt) = oneshot::channel();
        self.0.send(Waiting { delivery, answer }).await.map_err(|_| NotStored::NoWriter)?;
        receipt.await.map_err(|_| NotStored::NoWriter)?
    }
}

impl Queue {
    /// Starts the writers. After `stop` they take nothing new, commit what is queued, and end.
    pub fn start(
        self,
        writers: usize,
        pool: &PgPool,
        outbox_filled: &Arc<Notify>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) {
        for _ in 0..writers {
            let (queue, pool, outbox_filled) = (Arc::clone(&self.0), pool.clone(), Arc::clone(outbox_filled));
            let stop = stop.clone();
            tasks.spawn(async move {
                while let Some(taken) = take(&queue, &stop).await {
                    write(&pool, taken).await;
                    outbox_filled.notify_one();
                }
            });
        }
    }
}

/// Waits for a delivery, and takes those that wait behind it too.
async fn take(queue: &Mutex<mpsc::Receiver<Waiting>>, stop: &CancellationToken) -> Option<Vec<Waiting>> {
    let mut queue = queue.lock().await;
    let first = tokio::select! {
        first = queue.recv() => first,
        () = stop.cancelled() => {
            queue.close();
            queue.recv().await
        }
    }?;
    let mut bytes = first.delivery.value.len();
    let mut taken = vec![first];
    while bytes < MOST_BYTES
        && let Ok(next) = queue.try_recv()
    {
        bytes += next.delivery.value.len();
        taken.push(next);
    }
    Some(taken)
}

/// Commits them together. Where that fails through no fault of Postgres' being away, each is tried alone: the one at fault
/// costs nobody else.
async fn write(pool: &PgPool, taken: Vec<Waiting>) {
    let receipts = commit_all(pool, &taken.iter().map(|waiting| &waiting.delivery).collect::<Vec<_>>()).await;
    match receipts {
        Ok(receipts) => {
            for (waiting, receipt) in taken.into_iter().zip(receipts) {
                waiting.answer(Ok(receipt));
            }
        }
        Err(error) if taken.len() > 1 && !is_away(&error) => {
            for waiting in taken {
                let alone = commit_all(pool, &[&waiting.delivery]).await;
                waiting.answer(match alone {
                    Ok(receipts) => Ok(receipts.first().copied().unwrap_or_default()),
                    Err(error) => Err(NotStored::Database(Arc::new(error))),
                });
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for waiting in taken {
                waiting.answer(Err(NotStored::Database(Arc::clone(&error))));
            }
        }
    }
}

async fn commit_all(pool: &PgPool, deliveries: &[&Delivery]) -> Result<Vec<Receipt>, sqlx::Error> {
    let began = Instant::now();
    let size = deliveries.iter().map(|delivery| delivery.value.len()).sum();
    let now = OffsetDateTime::now_utc();
    let batches: Vec<Vouched<'_>> =
        heavy(size, || deliveries.iter().map(|delivery| (delivery.read(now), &delivery.source)).collect());
    let receipts = commit::store(pool, &batches).await?;
    for receipt in &receipts {
        metrics::histogram!("ingest_batch_events").record(f64::from(u32::try_from(receipt.received).unwrap_or(u32::MAX)));
    }
    metrics::histogram!("ingest_commit_seconds").record(began.elapsed().as_secs_f64());
    metrics::counter!("ingest_commits_total").increment(1);
    Ok(receipts)
}

impl Waiting {
    fn answer(self, outcome: Result<Receipt, NotStored>) {
        if let Ok(receipt) = &outcome {
            tracing::debug!(
                received = receipt.received,
                stored = receipt.stored,
                duplicates = receipt.duplicates,
                quarantined = receipt.quarantined,
                "committed a delivery"
            );
        }
        // A client that has gone is not told.
        let _ = self.answer.send(outcome);
    }
}
