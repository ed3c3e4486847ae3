//! A verified delivery, and the handle with which a handler queues it for the writers.

use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use utoipa::ToSchema;

/// Where a delivery comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Mandrill; signed with the key of this label.
    Webhook(String),
    /// A signed-in admin, or a token with the scope `simulate`.
    Simulation,
}

impl Source {
    /// The label of the webhook key.
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

/// The answer to a delivery: how many of its elements were stored, were duplicates, or went to quarantine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Receipt {
    /// Elements in the delivery.
    pub received: usize,
    /// New events.
    pub stored: usize,
    /// Events that are already stored, or that the delivery contains twice.
    pub duplicates: usize,
    /// Elements that cannot become events.
    pub quarantined: usize,
}

/// A verified body, and where in it the value of `mandrill_events` lies.
#[derive(Debug)]
pub struct Delivery {
    /// The decoded body.
    pub bytes: Vec<u8>,
    /// The range of `bytes` that holds the JSON array.
    pub value: Range<usize>,
    /// Where it comes from.
    pub source: Source,
    /// Its share of the memory budget, released after the commit.
    pub memory: OwnedSemaphorePermit,
}

impl Delivery {
    /// The JSON array, as received.
    pub fn json(&self) -> &[u8] {
        &self.bytes[self.value.clone()]
    }
}

/// Why a delivery was not committed. Deliveries of one transaction share the error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// Postgres failed.
    #[error("the database failed")]
    Database(Arc<sqlx::Error>),
    /// The service is stopping, or the writer panicked.
    #[error("no writer is running")]
    NoWriter,
}

/// Where a handler waits for the outcome of its delivery.
#[derive(Debug)]
pub(crate) struct Reply(Option<oneshot::Sender<Result<Receipt, CommitError>>>);

impl Reply {
    /// Sends the outcome; only the first one counts. A client that disconnected does not read it.
    pub(crate) fn send(&mut self, outcome: Result<Receipt, CommitError>) {
        if let Some(reply) = self.0.take() {
            let _ = reply.send(outcome);
        }
    }
}

/// A delivery in the queue.
#[derive(Debug)]
pub(crate) struct QueuedDelivery {
    pub(crate) delivery: Delivery,
    reply: Reply,
}

impl QueuedDelivery {
    /// The delivery, and where its outcome goes.
    pub(crate) fn split(&mut self) -> (&Delivery, &mut Reply) {
        (&self.delivery, &mut self.reply)
    }

    /// Sends the outcome to the handler.
    pub(crate) fn reply(&mut self, outcome: Result<Receipt, CommitError>) {
        self.reply.send(outcome);
    }
}

/// The sending end of the writers' queue.
#[derive(Debug, Clone)]
pub struct DeliverySender(mpsc::Sender<QueuedDelivery>);

/// A queue for `capacity` deliveries.
pub(crate) fn channel(capacity: usize) -> (DeliverySender, mpsc::Receiver<QueuedDelivery>) {
    let (sender, receiver) = mpsc::channel(capacity);
    (DeliverySender(sender), receiver)
}

impl DeliverySender {
    /// Commits a delivery, together with others. On `Ok` it is durable. The commit goes on when the caller stops waiting: a client
    /// that disconnects does not lose a verified delivery.
    ///
    /// # Errors
    /// When Postgres is unavailable or fails, or the service is stopping.
    pub async fn commit(&self, delivery: Delivery) -> Result<Receipt, CommitError> {
        let (reply, receipt) = oneshot::channel();
        self.0.send(QueuedDelivery { delivery, reply: Reply(Some(reply)) }).await.map_err(|_| CommitError::NoWriter)?;
        receipt.await.map_err(|_| CommitError::NoWriter)?
    }
}
