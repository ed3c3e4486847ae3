//! Notifications and their audiences.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::event::{Actor, ActorReason};
use crate::masking::Masking;
use crate::session::{Role, User};

// `S` is the text type; a freshly created notification borrows its text.
/// A notification, as the API and the notifier's frames represent it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Notification<S = String> {
    /// Unique. If a client receives an id twice, it shows the notification only once.
    pub id: i64,
    /// `open`, `event` (any other kind of event, selected by a rule), `message` or `alert`.
    #[schema(value_type = String, pattern = "^(open|event|message|alert)$")]
    pub kind: S,
    /// A single line.
    #[schema(value_type = String)]
    pub title: S,
    /// The text below the title. It can be empty.
    #[schema(value_type = String)]
    pub body: S,
    /// The id of the event, if the kind is `open` or `event`.
    pub event_id: Option<i64>,
    /// The message id of the email that the notification is about.
    #[schema(value_type = Option<String>)]
    pub message_id: Option<S>,
    /// The email's recipient address.
    #[schema(value_type = Option<String>)]
    pub recipient: Option<S>,
    /// The user who sent the message, if the kind is `message`.
    pub from: Option<Sender>,
    /// The audience: `user:ID`, `role:NAME` or `all`. It is also `all` if the users were selected by rules.
    #[schema(value_type = String, pattern = "^(all|user:[0-9]+|role:(viewer|operator|admin))$")]
    pub to: Audience,
    /// The event's `actor`, if the event is an open or a click that is still stored.
    #[schema(value_type = Option<Actor>)]
    pub actor: Option<S>,
    /// The event's `actor_reason`.
    #[schema(value_type = Option<ActorReason>)]
    pub actor_reason: Option<S>,
    /// When the notification was stored.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

impl Notification {
    /// The notification as a caller sees it. The sender of a message is a user, and stays.
    #[must_use]
    pub fn seen_with(mut self, masking: &Masking) -> Self {
        let text = |text: String| masking.text(&text).into_owned();
        self.title = text(self.title);
        self.body = text(self.body);
        self.recipient = self.recipient.map(|recipient| masking.address(&recipient).into_owned());
        self
    }
}

/// Notifications that a user has read. Sent to the user's other connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMark {
    /// The user's id.
    pub user: i64,
    /// Ids of notifications that are now read.
    pub ids: Vec<i64>,
    /// All notifications up to this id are read as well.
    pub up_to: Option<i64>,
    /// The number of unread notifications, counted up to 1,000.
    pub unread: i64,
}

/// Notifications that a user has marked as unread. Sent to the user's other connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadMark {
    /// The user's id.
    pub user: i64,
    /// Ids of notifications that are now unread.
    pub ids: Vec<i64>,
    /// The number of unread notifications, counted up to 1,000.
    pub unread: i64,
}

/// The user who sent a message.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Sender {
    /// The user's id.
    pub id: i64,
    /// The user's email address.
    pub email: String,
}

/// The users who see a notification, in the form `all`, `user:ID`, `role:NAME`, `users:ID,…` or `all-but:ID,…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// All users.
    All,
    /// One user, on every connection.
    User(i64),
    /// All users with this role.
    Role(Role),
    /// These users, sorted by id.
    Users(Arc<[i64]>),
    /// All users except these, sorted by id.
    AllBut(Arc<[i64]>),
}

impl Audience {
    /// Returns true if `user` belongs to the audience.
    pub fn includes(&self, user: &User) -> bool {
        match self {
            Self::All => true,
            Self::User(id) => *id == user.id,
            Self::Role(role) => *role == user.role,
            Self::Users(ids) => ids.binary_search(&user.id).is_ok(),
            Self::AllBut(ids) => ids.binary_search(&user.id).is_err(),
        }
    }

    /// Returns the audience in the form that is exposed to clients. Lists of users become `All`, since they would reveal other users'
    /// rules.
    #[must_use]
    pub fn redacted(self) -> Self {
        match self {
            Self::Users(_) | Self::AllBut(_) => Self::All,
            visible => visible,
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Role(role) => write!(f, "role:{role}"),
            Self::Users(ids) => write_ids(f, "users", ids),
            Self::AllBut(ids) => write_ids(f, "all-but", ids),
        }
    }
}

fn write_ids(f: &mut fmt::Formatter<'_>, name: &str, ids: &[i64]) -> fmt::Result {
    f.write_str(name)?;
    for (index, id) in ids.iter().enumerate() {
        write!(f, "{}{id}", if index == 0 { ':' } else { ',' })?;
    }
    Ok(())
}

fn parse_ids(text: &str) -> Result<Arc<[i64]>, AudienceError> {
    let ids = text.split(',').map(parse_id).collect::<Result<Arc<[i64]>, _>>()?;
    if ids.is_sorted() { Ok(ids) } else { Err(AudienceError) }
}

fn parse_id(text: &str) -> Result<i64, AudienceError> {
    text.parse().ok().filter(|id| *id > 0).ok_or(AudienceError)
}

/// Error returned if a string is not a valid audience.
#[derive(Debug, thiserror::Error)]
#[error("expected `all`, `user:ID`, `role:NAME`, `users:ID,…` or `all-but:ID,…`")]
pub struct AudienceError;

impl FromStr for Audience {
    type Err = AudienceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "all" => Ok(Self::All),
            Some(("user", id)) => Ok(Self::User(parse_id(id)?)),
            Some(("users", ids)) => Ok(Self::Users(parse_ids(ids)?)),
            Some(("all-but", ids)) => Ok(Self::AllBut(parse_ids(ids)?)),
            Some(("role", name)) => Ok(Self::Role(name.parse().map_err(|_| AudienceError)?)),
            _ => Err(AudienceError),
        }
    }
}

impl Serialize for Audience {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audiences_round_trip_and_malformed_ones_are_rejected() {
        for text in ["all", "user:7", "role:admin", "role:operator", "role:viewer", "users:3", "users:3,7,12", "all-but:5,9"] {
            assert_eq!(text.parse::<Audience>().expect("an audience").to_string(), text);
        }
        for text in [
            "",
            "everyone",
            "user:",
            "user:-1",
            "user:x",
            "role:root",
            "all:",
            "users:",
            "users:3,",
            "users:7,3",
            "all-but:x",
            "all-but:0",
        ] {
            assert!(text.parse::<Audience>().is_err(), "{text}");
        }
    }
}
