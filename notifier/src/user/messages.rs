//! User to user: what people send over their sockets is stored by one task, all that waits in one statement.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use deadpool_redis::Pool;
use redis::AsyncCommands;
use shared::feed::WAKE_CHANNEL;
use shared::message::{self, Message, MessageError};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::user::rate_limit::Allowance;

/// Messages that may wait to be stored.
const QUEUE: usize = 1_024;
/// Messages stored in one statement, at most.
const BATCH: usize = 256;
/// Users whose allowances are remembered before those are forgotten who have all of theirs.
const USERS: usize = 1_000;

type Answer = Box<dyn FnOnce(Result<i64, MessageError>) + Send>;

/// A message on its way, and whom to tell what became of it.
pub struct Posted {
    message: Message,
    answer: Answer,
}

/// Takes messages, within limits for each user.
pub struct Messages {
    queue: mpsc::Sender<Posted>,
    allowances: Mutex<HashMap<i64, Allowance>>,
}

impl Messages {
    /// The way to the writer, and the writer's end of it.
    pub fn new() -> (Self, mpsc::Receiver<Posted>) {
        let (queue, posted) = mpsc::channel(QUEUE);
        (Self { queue, allowances: Mutex::default() }, posted)
    }

    /// Takes a message. `answer` gets its notification's id once it is stored, or why it is not.
    pub fn post(&self, message: Message, answer: impl FnOnce(Result<i64, MessageError>) + Send + 'static) {
        if !self.may_send(message.sender()) {
            return answer(Err(MessageError::TooMany));
        }
        if let Err(full) = self.queue.try_send(Posted { message, answer: Box::new(answer) }) {
            (full.into_inner().answer)(Err(MessageError::TooMany));
        }
    }

    fn may_send(&self, user: i64) -> bool {
        let mut allowances = self.allowances.lock().unwrap_or_else(PoisonError::into_inner);
        if allowances.len() >= USERS {
            allowances.retain(|_, allowance| !allowance.is_whole());
        }
        allowances.entry(user).or_default().spend()
    }
}

/// Stores what is posted until `stop`, and then what is left.
pub async fn write(mut posted: mpsc::Receiver<Posted>, pool: PgPool, redis: Pool, stop: CancellationToken) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            count = posted.recv_many(&mut batch, BATCH) => if count == 0 { return },
            () = stop.cancelled() => return,
        }
        store(std::mem::take(&mut batch), &pool, &redis).await;
    }
}

async fn store(batch: Vec<Posted>, pool: &PgPool, redis: &Pool) {
    let messages: Vec<&Message> = batch.iter().map(|posted| &posted.message).collect();
    let stored = message::store(pool, &messages).await;
    if let Err(source) = &stored {
        tracing::error!(%source, messages = messages.len(), "messages could not be stored");
    }
    metrics::counter!("notifier_messages_total").increment(messages.len() as u64);
    let ids = stored.ok();
    for (index, posted) in batch.into_iter().enumerate() {
        let id = ids.as_ref().map(|ids| ids.get(index).copied().flatten());
        (posted.answer)(id.ok_or(MessageError::NotStored).and_then(|id| id.ok_or(MessageError::NoUser)));
    }
    if let Ok(mut connection) = redis.get().await {
        // Not heard: the relay looks by itself within a second.
        let _heard: Result<i64, redis::RedisError> = connection.publish(WAKE_CHANNEL, "message").await;
    }
}
