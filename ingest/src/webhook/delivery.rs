//! A verified delivery, and the handle that request handlers use to queue it for the writers.

use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use utoipa::ToSchema;

/// Where events come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Mandrill. The delivery was signed with the key that has this label.
    Webhook(String),
    /// A signed-in admin, or a token with the `simulate` scope.
    Simulation,
    /// `ingest import`.
    Import,
}

impl Source {
    /// The label of the webhook key.
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::Webhook(label) => Some(label),
            Self::Simulation | Self::Import => None,
        }
    }

    /// The code that marks events which were stored long after they happened, and are filed under the time of the event. `None` for
    /// deliveries.
    pub fn filed_as(&self) -> Option<&'static str> {
        match self {
            Self::Webhook(_) | Self::Simulation => None,
            Self::Import => Some("import"),
        }
    }

    /// Returns true if the events were not sent by Mandrill.
    pub fn is_simulation(&self) -> bool {
        matches!(self, Self::Simulation)
    }
}

/// The response to a delivery: the number of elements that were stored, were duplicates, or were quarantined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Receipt {
    /// Number of elements in the delivery.
    pub received: usize,
    /// Number of new events.
    pub stored: usize,
    /// Number of events that were already stored or occur more than once in the delivery.
    pub duplicates: usize,
    /// Number of elements that are not valid events.
    pub quarantined: usize,
}

/// A verified body, and the position of the `mandrill_events` value in it.
#[derive(Debug)]
pub struct Delivery {
    /// The decoded body.
    pub bytes: Vec<u8>,
    /// The range of `bytes` that contains the JSON array.
    pub value: Range<usize>,
    /// Where the delivery comes from.
    pub source: Source,
    /// The delivery's share of the memory budget. It is released after the commit.
    pub memory: OwnedSemaphorePermit,
}

impl Delivery {
    /// Returns the JSON array as received.
    pub fn json(&self) -> &[u8] {
        &self.bytes[self.value.clone()]
    }
}

/// The reason a delivery was not committed. All deliveries in the same transaction share the error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// Postgres failed.
    #[error("the database failed")]
    Database(Arc<sqlx::Error>),
    /// Erased addresses cannot be recognised, because the key with which they were stored is not configured.
    #[error("erased addresses cannot be recognised: SECRET_KEY is not the key with which they were stored")]
    UnknownKey,
    /// The service is shutting down, or the writer panicked.
    #[error("no writer is running")]
    NoWriter,
}

impl From<sqlx::Error> for CommitError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// The channel on which a handler receives the outcome of its delivery.
#[derive(Debug)]
pub(crate) struct Reply(Option<oneshot::Sender<Result<Receipt, CommitError>>>);

impl Reply {
    /// Sends the outcome. Only the first call has an effect. The outcome is discarded if the client has disconnected.
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
    /// Returns the delivery and the channel for its outcome.
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

/// Creates a queue with room for `capacity` deliveries.
pub(crate) fn channel(capacity: usize) -> (DeliverySender, mpsc::Receiver<QueuedDelivery>) {
    let (sender, receiver) = mpsc::channel(capacity);
    (DeliverySender(sender), receiver)
}

impl DeliverySender {
    /// Commits a delivery, possibly together with others. If this returns `Ok`, the delivery is durable. The commit continues even if the
    /// caller stops waiting, so a verified delivery is not lost when its client disconnects.
    ///
    /// # Errors
    /// When Postgres is unavailable or fails, or the service is shutting down.
    pub async fn commit(&self, delivery: Delivery) -> Result<Receipt, CommitError> {
        let (reply, receipt) = oneshot::channel();
        self.0.send(QueuedDelivery { delivery, reply: Reply(Some(reply)) }).await.map_err(|_| CommitError::NoWriter)?;
        receipt.await.map_err(|_| CommitError::NoWriter)?
    }
}
