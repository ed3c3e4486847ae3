//! User-to-user messages: a single task stores all queued messages in one statement.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use redis::AsyncCommands;
use shared::feed::WAKE_CHANNEL;
use shared::message::{self, Message, MessageError};
use shared::redis::Redis;
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::user::rate_limit::RateLimit;

/// Maximum number of messages waiting to be stored.
const QUEUE: usize = 1_024;
/// Maximum number of messages stored by one statement.
const BATCH: usize = 256;
/// Number of users whose rate limits are kept before full buckets are dropped.
const USERS: usize = 1_000;

type Callback = Box<dyn FnOnce(Result<i64, MessageError>) + Send>;

/// A message in the queue, with the callback that receives the result.
pub struct QueuedMessage {
    message: Message,
    reply: Callback,
}

/// Accepts messages, subject to a per-user rate limit.
pub struct Messages {
    queue: mpsc::Sender<QueuedMessage>,
    limits: Mutex<HashMap<i64, RateLimit>>,
}

impl Messages {
    /// Creates the sending side, and the receiver for [`store_queued`].
    pub fn new() -> (Self, mpsc::Receiver<QueuedMessage>) {
        let (queue, queued) = mpsc::channel(QUEUE);
        (Self { queue, limits: Mutex::default() }, queued)
    }

    /// Queues a message. `reply` is called with the id of its notification once it is stored, or with the reason it was not stored.
    pub fn post(&self, message: Message, reply: impl FnOnce(Result<i64, MessageError>) + Send + 'static) {
        if !self.may_send(message.sender()) {
            return reply(Err(MessageError::TooMany));
        }
        if let Err(full) = self.queue.try_send(QueuedMessage { message, reply: Box::new(reply) }) {
            (full.into_inner().reply)(Err(MessageError::TooMany));
        }
    }

    fn may_send(&self, user: i64) -> bool {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        if limits.len() >= USERS {
            limits.retain(|_, limit| !limit.is_full());
        }
        limits.entry(user).or_default().take()
    }
}

/// Stores queued messages until `stop`, then stores the messages that are still queued.
pub async fn store_queued(mut queued: mpsc::Receiver<QueuedMessage>, pool: PgPool, redis: Redis, stop: CancellationToken) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            count = queued.recv_many(&mut batch, BATCH) => if count == 0 { return },
            () = stop.cancelled() => return,
        }
        store(std::mem::take(&mut batch), &pool, &redis).await;
    }
}

async fn store(batch: Vec<QueuedMessage>, pool: &PgPool, redis: &Redis) {
    let messages: Vec<&Message> = batch.iter().map(|queued| &queued.message).collect();
    let stored = message::store(pool, &messages).await;
    if let Err(source) = &stored {
        tracing::error!(%source, messages = messages.len(), "messages could not be stored; their senders get an error");
    }
    metrics::counter!("notifier_messages_total").increment(messages.len() as u64);
    let ids = stored.ok();
    for (index, queued) in batch.into_iter().enumerate() {
        let id = ids.as_ref().map(|ids| ids.get(index).copied().flatten());
        (queued.reply)(id.ok_or(MessageError::NotStored).and_then(|id| id.ok_or(MessageError::NoUser)));
    }
    if let Ok(mut connection) = redis.get().await {
        // The publisher also polls the outbox every second, so a lost wake-up only causes a delay.
        let _receivers: Result<i64, redis::RedisError> = connection.publish(WAKE_CHANNEL, "message").await;
    }
}
