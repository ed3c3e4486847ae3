//! Messages between users. A single statement stores messages together with their outbox rows, and the publisher then delivers them.

use sqlx::PgPool;

use crate::notification::Audience;
use crate::session::{Caller, Credential};

/// Limits in characters, counted in the same way as JSON Schema's `maxLength`.
const MAX_TITLE_CHARS: usize = 200;
const MAX_BODY_CHARS: usize = 2_000;

/// The reason a message was not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The caller uses an API token. Only signed-in users can send messages.
    #[error("API tokens cannot send messages.")]
    Forbidden,
    /// The audience is not `all`, `user:ID` or `role:NAME`.
    #[error("`to` must be `all`, `user:ID` or `role:NAME`.")]
    Audience,
    /// The user does not exist or is disabled.
    #[error("There is no active user with this id.")]
    NoUser,
    /// The title is empty, or the title or body is too long or contains NUL.
    #[error("The title must have 1 to 200 characters and the body at most 2,000. Neither may contain NUL.")]
    Length,
    /// The rate limit has been reached, or the queue is full.
    #[error("Too many messages at once. Wait a moment and try again.")]
    TooMany,
    /// Postgres failed.
    #[error("The message could not be stored. Try again.")]
    NotStored,
}

impl MessageError {
    /// Returns the stable error code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::Audience => "bad_audience",
            Self::NoUser => "no_such_user",
            Self::Length => "bad_length",
            Self::TooMany => "too_many",
            Self::NotStored => "not_stored",
        }
    }
}

/// A validated message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    sender: i64,
    to: Audience,
    title: String,
    body: String,
}

impl Message {
    /// Validates a message from `caller`.
    ///
    /// # Errors
    /// `Forbidden`, `Audience` or `Length`.
    pub fn new(caller: &Caller, to: &str, title: &str, body: &str) -> Result<Self, MessageError> {
        if !matches!(caller.credential, Credential::Session(_)) {
            return Err(MessageError::Forbidden);
        }
        let to = to.parse().ok().filter(is_sendable).ok_or(MessageError::Audience)?;
        let title = title.trim();
        let fits = (1..=MAX_TITLE_CHARS).contains(&title.chars().count()) && body.chars().count() <= MAX_BODY_CHARS;
        if !fits || title.contains('\0') || body.contains('\0') {
            return Err(MessageError::Length);
        }
        Ok(Self { sender: caller.user.id, to, title: title.to_owned(), body: body.to_owned() })
    }

    /// Returns the sender's user id.
    pub fn sender(&self) -> i64 {
        self.sender
    }
}

/// Returns true for audiences that a user can choose. Lists of users come only from rules.
fn is_sendable(to: &Audience) -> bool {
    matches!(to, Audience::All | Audience::User(_) | Audience::Role(_))
}

/// Stores messages and their outbox rows in one statement. Returns the notification id of each message, or `None` if its
/// recipient does not exist or is disabled. A message that has an id will be published even if something fails afterwards.
///
/// # Errors
/// When Postgres fails; no message is stored in that case.
pub async fn store(pool: &PgPool, messages: &[&Message]) -> Result<Vec<Option<i64>>, sqlx::Error> {
    let titles: Vec<&str> = messages.iter().map(|message| message.title.as_str()).collect();
    let bodies: Vec<&str> = messages.iter().map(|message| message.body.as_str()).collect();
    let senders: Vec<i64> = messages.iter().map(|message| message.sender).collect();
    let audiences: Vec<String> = messages.iter().map(|message| message.to.to_string()).collect();
    let recipients: Vec<Option<i64>> =
        messages.iter().map(|message| if let Audience::User(id) = message.to { Some(id) } else { None }).collect();
    let rows = sqlx::query!(
        r#"with given as (
             select title, body, sender, audience, ordinal, row_number() over (order by ordinal) as rank
             from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[]) with ordinality
               as t (title, body, sender, audience, recipient, ordinal)
             where recipient is null or exists (select from users where users.id = recipient and disabled_at is null)
           ), inserted as (
             insert into notifications (kind, title, body, sender_id, audience)
             select 'message', title, body, sender, audience from given order by ordinal
             returning id
           ), queued as (
             insert into outbox (notification_id) select id from inserted order by id
           )
           select ordinal as "ordinal!", id as "id!"
           from given join (select id, row_number() over (order by id) as rank from inserted) as inserted using (rank)"#,
        &titles as &[&str],
        &bodies as &[&str],
        &senders,
        &audiences,
        &recipients as &[Option<i64>]
    )
    .fetch_all(pool)
    .await?;
    let mut ids = vec![None; messages.len()];
    for row in rows {
        let index = usize::try_from(row.ordinal - 1).unwrap_or(usize::MAX);
        if let Some(id) = ids.get_mut(index) {
            *id = Some(row.id);
        }
    }
    Ok(ids)
}
