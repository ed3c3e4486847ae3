//! The writers: a few tasks that commit what is queued, however many deliveries that is, in one transaction.
//!
//! While a writer waits for Postgres, deliveries gather; the next free writer takes them together. Nobody waits for a timer, and
//! under load dozens of small posts cost one commit. A delivery that waits holds its room in memory, and is committed even
//! when its client has gone: what was proved is kept.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde::Serialize;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::sync::{Mutex, Notify, OwnedSemaphorePermit, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use utoipa::ToSchema;

use crate::http::error::is_away;
use crate::notify::cache::InUse;
use crate::notify::rules::Rules;
use crate::outbox::handoff::Relay;
use crate::state::AppState;
use crate::store::commit::{self, Vouched};
use crate::webhook::batch::Batch;

/// Deliveries that wait at most; each also holds room in memory, which is the tighter bound.
const QUEUE: usize = 4096;
/// Deliveries for which a writer begins while others commit, and that it takes, or a third of all that wait if that is more. If it took
/// all, Postgres would rest while their clients come back, and these while Postgres works.
const TURN: usize = 24;
/// Bytes of values for which it begins as well: some thirty events.
const WORTH: usize = 48 << 10;
/// Bytes of values whose commit takes milliseconds.
const SMALL: usize = 256 << 10;
/// Bytes of values that one transaction takes, unless a single delivery is larger.
const MOST_BYTES: usize = 4 << 20;

/// What became of a batch's elements; the answer to the delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
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
    fn read(&self, now: OffsetDateTime, rules: &Rules) -> Batch<'_> {
        let mut batch = Batch::read(&self.bytes[self.value.clone()], self.source.is_simulation(), now);
        batch.tell(rules);
        batch
    }
}

type Answer = oneshot::Sender<Result<Receipt, NotStored>>;

#[derive(Debug)]
struct Waiting {
    delivery: Delivery,
    /// None once it was given.
    answer: Option<Answer>,
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
pub struct Queue(Arc<Line>);

/// A queue, with a writer at neither end yet.
pub fn queue() -> (Writers, Queue) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let line = Line { waiting: Mutex::new(receiver), busy: AtomicUsize::new(0), finished: Notify::new() };
    (Writers(sender), Queue(Arc::new(line)))
}

impl Writers {
    /// Commits a delivery, together with others. On `Ok` it is durable. Whoever stops waiting does not stop the commit.
    ///
    /// # Errors
    /// When Postgres is away or fails, or the service stops.
    pub async fn store(&self, delivery: Delivery) -> Result<Receipt, NotStored> {
        let (answer, receipt) = oneshot::channel();
        self.0.send(Waiting { delivery, answer: Some(answer) }).await.map_err(|_| NotStored::NoWriter)?;
        receipt.await.map_err(|_| NotStored::NoWriter)?
    }
}

impl Queue {
    /// Starts the writers; `relay` is told of what they have committed. After `stop` they take nothing new, commit what is
    /// queued, and end.
    pub(crate) fn start(self, writers: usize, state: &AppState, relay: &Relay, tasks: &TaskTracker, stop: &CancellationToken) {
        for _ in 0..writers {
            let (line, stop) = (Arc::clone(&self.0), stop.clone());
            let writer = Arc::new(Writer {
                pool: state.writing.clone(),
                rules: Arc::clone(&state.rules),
                stored: Arc::clone(&state.stored),
                relay: relay.clone(),
            });
            tasks.spawn(async move {
                while let Some((taken, busy)) = line.take(&stop).await {
                    let writer = Arc::clone(&writer);
                    // In a task of its own: should it panic, its deliveries are told to come back, and the writer goes on.
                    if tokio::spawn(async move { writer.write(taken).await }).await.is_err() {
                        tracing::error!("a writer panicked; its deliveries are told to come back");
                    }
                    drop(busy);
                }
            });
        }
    }
}

/// What the writers share.
#[derive(Debug)]
struct Line {
    waiting: Mutex<mpsc::Receiver<Waiting>>,
    /// Writers that commit something small just now, for which it is worth waiting.
    busy: AtomicUsize,
    /// One of them has finished.
    finished: Notify,
}

impl Line {
    /// Waits for a delivery, and takes those that wait behind it too. While others commit it also waits until a commit is
    /// worth its while, or they have finished, which takes milliseconds: nobody waits for a large commit.
    async fn take(&self, stop: &CancellationToken) -> Option<(Vec<Waiting>, Busy<'_>)> {
        let mut waiting = self.waiting.lock().await;
        let mut taken: Vec<Waiting> = Vec::new();
        let mut bytes = 0;
        loop {
            while taken.len() < TURN.max(waiting.len() / 2)
                && bytes < MOST_BYTES
                && let Ok(next) = waiting.try_recv()
            {
                bytes += next.delivery.value.len();
                taken.push(next);
            }
            let is_worth_it = taken.len() >= TURN || bytes >= WORTH || self.busy.load(Ordering::Acquire) == 0;
            if !taken.is_empty() && is_worth_it {
                return Some((taken, Busy::of(self, bytes)));
            }
            tokio::select! {
                next = waiting.recv() => {
                    let Some(next) = next else { return (!taken.is_empty()).then(|| (taken, Busy::of(self, bytes))) };
                    bytes += next.delivery.value.len();
                    taken.push(next);
                }
                () = self.finished.notified(), if !taken.is_empty() => {}
                () = stop.cancelled(), if !waiting.is_closed() => waiting.close(),
            }
        }
    }
}

/// Held while a writer commits; counts if what it commits is small.
#[derive(Debug)]
struct Busy<'a>(Option<&'a Line>);

impl<'a> Busy<'a> {
    fn of(line: &'a Line, bytes: usize) -> Self {
        if bytes > SMALL {
            return Self(None);
        }
        line.busy.fetch_add(1, Ordering::AcqRel);
        Self(Some(line))
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        if let Some(line) = self.0 {
            line.busy.fetch_sub(1, Ordering::AcqRel);
            line.finished.notify_one();
        }
    }
}

struct Writer {
    pool: PgPool,
    rules: Arc<InUse>,
    stored: Arc<Notify>,
    relay: Relay,
}

impl Writer {
    /// Commits them together. Where that fails through no fault of Postgres' being away, each is tried alone: the one at
    /// fault costs nobody else.
    async fn write(&self, mut taken: Vec<Waiting>) {
        match self.commit(&mut taken).await {
            Ok(()) => {}
            Err(error) if taken.len() > 1 && !is_away(&error) => {
                for waiting in taken {
                    let mut alone = [waiting];
                    if let Err(error) = self.commit(&mut alone).await {
                        let error = Arc::new(error);
                        let _: [(); 1] = alone.map(|waiting| waiting.answer(Err(NotStored::Database(Arc::clone(&error)))));
                    }
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

    /// Commits them together, answers each, and then tells the relay.
    async fn commit(&self, taken: &mut [Waiting]) -> Result<(), sqlx::Error> {
        let began = Instant::now();
        let size = taken.iter().map(|waiting| waiting.delivery.value.len()).sum();
        let now = OffsetDateTime::now_utc();
        let rules = self.rules.get(&self.pool).await?;
        let (deliveries, answers): (Vec<_>, Vec<_>) =
            taken.iter_mut().map(|waiting| (&waiting.delivery, &mut waiting.answer)).unzip();
        let batches: Vec<Vouched<'_>> =
            deliveries.iter().map(|delivery| (delivery.read(now, &rules), &delivery.source)).collect();
        let written = commit::store(&self.pool, &batches).await?;
        self.stored.notify_one();
        written.counts.publish();
        metrics::histogram!("ingest_commit_seconds").record(began.elapsed().as_secs_f64());
        for (answer, receipt) in answers.into_iter().zip(&written.receipts) {
            metrics::histogram!("ingest_batch_events").record(f64::from(u32::try_from(receipt.received).unwrap_or(u32::MAX)));
            send(answer, Ok(*receipt));
        }
        written.tell(&self.relay, size);
        Ok(())
    }
}

impl Waiting {
    fn answer(mut self, outcome: Result<Receipt, NotStored>) {
        send(&mut self.answer, outcome);
    }
}

/// Tells the client, unless it has gone or was told.
fn send(answer: &mut Option<Answer>, outcome: Result<Receipt, NotStored>) {
    if let Some(answer) = answer.take() {
        let _ = answer.send(outcome);
    }
}
