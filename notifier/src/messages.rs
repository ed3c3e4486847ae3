//! User to user: stored with an outbox row in one transaction, then relayed like everything else.

use deadpool_redis::Pool;
use redis::AsyncCommands;
use shared::feed::WAKE_CHANNEL;
use shared::notification::Audience;
use shared::session::{Credential, User};
use sqlx::PgPool;

/// Longest title and body, in bytes.
const LONGEST_TITLE: usize = 200;
const LONGEST_BODY: usize = 2_000;

/// A message that was not stored, and why.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// Tokens read; people write.
    #[error("A token cannot send messages.")]
    Forbidden,
    /// Not `all`, `user:ID` or `role:NAME`.
    #[error("`to` is one of `all`, `user:ID`, `role:NAME`.")]
    Audience,
    /// No such user.
    #[error("There is no such user.")]
    NoUser,
    /// Empty, or too long.
    #[error("A title has 1 to 200 bytes and a body at most 2,000, without NUL.")]
    Length,
    /// Postgres failed.
    #[error("The message could not be stored; try again.")]
    Database(#[from] sqlx::Error),
}

impl MessageError {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::Audience => "bad_audience",
            Self::NoUser => "no_such_user",
            Self::Length => "bad_length",
            Self::Database(_) => "not_stored",
        }
    }
}

/// What people send each other through.
#[derive(Clone)]
pub struct Messages {
    /// Stores.
    pub pool: PgPool,
    /// Wakes the relay.
    pub redis: Pool,
}

impl Messages {
    /// Stores a message from `user`; gives its notification's id. On `Ok` it will be relayed, whatever fails next.
    ///
    /// # Errors
    /// When it may not be sent, or is not stored.
    pub async fn send(
        &self,
        user: &User,
        credential: &Credential,
        to: &str,
        title: &str,
        body: &str,
    ) -> Result<i64, MessageError> {
        if !matches!(credential, Credential::Session(_)) {
            return Err(MessageError::Forbidden);
        }
        let to: Audience = to.parse().map_err(|_| MessageError::Audience)?;
        let title = title.trim();
        let fits = (1..=LONGEST_TITLE).contains(&title.len()) && body.len() <= LONGEST_BODY;
        if !fits || title.contains('\0') || body.contains('\0') {
            return Err(MessageError::Length);
        }
        let recipient = if let Audience::User(id) = to { Some(id) } else { None };
        let id = sqlx::query_scalar!(
            r#"with told as (
                 insert into notifications (kind, title, body, sender_id, audience)
                 select 'message', $1, $2, $3, $4
                 where $5::bigint is null or exists (select 1 from users where id = $5 and disabled_at is null)
                 returning id
               )
               insert into outbox (notification_id) select id from told returning notification_id as "id!""#,
            title,
            body,
            user.id,
            to.to_string(),
            recipient
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(MessageError::NoUser)?;
        if let Ok(mut connection) = self.redis.get().await {
            // Not heard: the relay looks by itself within a second.
            let _heard: Result<i64, redis::RedisError> = connection.publish(WAKE_CHANNEL, "message").await;
        }
        metrics::counter!("notifier_messages_total").increment(1);
        Ok(id)
    }
}
