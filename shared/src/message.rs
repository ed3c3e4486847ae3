//! What people write to each other: stored with outbox rows in one statement, then relayed like everything else.

use sqlx::PgPool;

use crate::notification::Audience;
use crate::session::{Caller, Credential};

/// Longest title and body, in characters, as schemas count.
const LONGEST_TITLE: usize = 200;
const LONGEST_BODY: usize = 2_000;

/// A message that is not stored, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
    #[error("A title has 1 to 200 characters and a body at most 2,000, without NUL.")]
    Length,
    /// More than one person writes.
    #[error("That is a lot at once; wait a little.")]
    TooMany,
    /// Postgres failed.
    #[error("The message could not be stored; try again.")]
    NotStored,
}

impl MessageError {
    /// Stable.
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

/// A message that may be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    sender: i64,
    to: Audience,
    title: String,
    body: String,
}

impl Message {
    /// From `caller`, if they may send it.
    ///
    /// # Errors
    /// `Forbidden`, `Audience` or `Length`.
    pub fn new(caller: &Caller, to: &str, title: &str, body: &str) -> Result<Self, MessageError> {
        if !matches!(caller.credential, Credential::Session(_)) {
            return Err(MessageError::Forbidden);
        }
        let to = to.parse().ok().filter(is_addressed).ok_or(MessageError::Audience)?;
        let title = title.trim();
        let fits = (1..=LONGEST_TITLE).contains(&title.chars().count()) && body.chars().count() <= LONGEST_BODY;
        if !fits || title.contains('\0') || body.contains('\0') {
            return Err(MessageError::Length);
        }
        Ok(Self { sender: caller.user.id, to, title: title.to_owned(), body: body.to_owned() })
    }

    /// The user who sends it.
    pub fn sender(&self) -> i64 {
        self.sender
    }
}

/// True for what people write to: not for lists of users, which rules make.
fn is_addressed(to: &Audience) -> bool {
    matches!(to, Audience::All | Audience::User(_) | Audience::Role(_))
}

/// Stores messages with their outbox rows, all in one statement. Gives the id of each one's notification, none for those
/// to a user who is not there. What has an id will be relayed, whatever fails next.
///
/// # Errors
/// When Postgres fails; then none is stored.
pub async fn store(pool: &PgPool, messages: &[&Message]) -> Result<Vec<Option<i64>>, sqlx::Error> {
    let titles: Vec<&str> = messages.iter().map(|message| message.title.as_str()).collect();
    let bodies: Vec<&str> = messages.iter().map(|message| message.body.as_str()).collect();
    let senders: Vec<i64> = messages.iter().map(|message| message.sender).collect();
    let audiences: Vec<String> = messages.iter().map(|message| message.to.to_string()).collect();
    let recipients: Vec<Option<i64>> =
        messages.iter().map(|message| if let Audience::User(id) = message.to { Some(id) } else { None }).collect();
    let rows = sqlx::query!(
        r#"with given as (
             select title, body, sender, audience, place, row_number() over (order by place) as rank
             from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[]) with ordinality
               as t (title, body, sender, audience, recipient, place)
             where recipient is null or exists (select from users where users.id = recipient and disabled_at is null)
           ), told as (
             insert into notifications (kind, title, body, sender_id, audience)
             select 'message', title, body, sender, audience from given order by place
             returning id
           ), queued as (
             insert into outbox (notification_id) select id from told order by id
           )
           select place as "place!", id as "id!"
           from given join (select id, row_number() over (order by id) as rank from told) as told using (rank)"#,
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
        let place = usize::try_from(row.place - 1).unwrap_or(usize::MAX);
        if let Some(id) = ids.get_mut(place) {
            *id = Some(row.id);
        }
    }
    Ok(ids)
}
