//! What people are told, and who is told.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::session::{Role, User};

// `S` is text, borrowed where it was just made.
/// One row of `notifications`, as the API and the frames show it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Notification<S = String> {
    /// Of the row in `notifications`; a client that sees an id twice shows it once.
    pub id: i64,
    /// `open`, `event` (one of another kind, that rules asked for), `message` or `alert`.
    #[schema(value_type = String, pattern = "^(open|event|message|alert)$")]
    pub kind: S,
    /// One line.
    #[schema(value_type = String)]
    pub title: S,
    /// The rest; may be empty.
    #[schema(value_type = String)]
    pub body: S,
    /// The event behind an open or event.
    pub event_id: Option<i64>,
    /// The message behind it.
    #[schema(value_type = Option<String>)]
    pub message_id: Option<S>,
    /// The address behind it.
    #[schema(value_type = Option<String>)]
    pub recipient: Option<S>,
    /// Who sent a message.
    pub from: Option<Sender>,
    /// Who sees it: `user:ID`, `role:NAME`, or `all`, which is also said where rules decided who.
    #[schema(value_type = String, pattern = "^(all|user:[0-9]+|role:(viewer|admin))$")]
    pub to: Audience,
    /// When it was stored.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// What a user has read, for their other pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMark {
    /// Whose notifications these are.
    pub user: i64,
    /// These.
    pub ids: Vec<i64>,
    /// And all up to this one.
    pub up_to: Option<i64>,
    /// How many are left unread; at most 1,000 are counted.
    pub unread: i64,
}

/// The user who sent a message.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Sender {
    /// The user's id.
    pub id: i64,
    /// The user's e-mail.
    pub email: String,
}

/// Who sees a notification: `all`, `user:ID`, `role:NAME`, `users:ID,…` or `all-but:ID,…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Everybody who is signed in.
    All,
    /// One user, at every connection.
    User(i64),
    /// Everybody of a role.
    Role(Role),
    /// These users, in the order of their ids.
    Users(Arc<[i64]>),
    /// Everybody but these users, in the order of their ids.
    AllBut(Arc<[i64]>),
}

impl Audience {
    /// True when `user` is part of it.
    pub fn includes(&self, user: &User) -> bool {
        match self {
            Self::All => true,
            Self::User(id) => *id == user.id,
            Self::Role(role) => *role == user.role,
            Self::Users(ids) => ids.binary_search(&user.id).is_ok(),
            Self::AllBut(ids) => ids.binary_search(&user.id).is_err(),
        }
    }
}

impl Audience {
    /// As people may see it: whose rules wanted something, or did not, is nobody else's business.
    #[must_use]
    pub fn redacted(self) -> Self {
        match self {
            Self::Users(_) | Self::AllBut(_) => Self::All,
            said => said,
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
    for (place, id) in ids.iter().enumerate() {
        write!(f, "{}{id}", if place == 0 { ':' } else { ',' })?;
    }
    Ok(())
}

fn read_ids(text: &str) -> Result<Arc<[i64]>, AudienceError> {
    let ids = text.split(',').map(read_id).collect::<Result<Arc<[i64]>, _>>()?;
    if ids.is_sorted() { Ok(ids) } else { Err(AudienceError) }
}

fn read_id(text: &str) -> Result<i64, AudienceError> {
    text.parse().ok().filter(|id| *id > 0).ok_or(AudienceError)
}

/// The text is no audience.
#[derive(Debug, thiserror::Error)]
#[error("not one of `all`, `user:ID`, `role:NAME`, `users:ID,…`, `all-but:ID,…`")]
pub struct AudienceError;

impl FromStr for Audience {
    type Err = AudienceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "all" => Ok(Self::All),
            Some(("user", id)) => Ok(Self::User(read_id(id)?)),
            Some(("users", ids)) => Ok(Self::Users(read_ids(ids)?)),
            Some(("all-but", ids)) => Ok(Self::AllBut(read_ids(ids)?)),
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
    fn an_audience_reads_as_it_is_written() {
        for text in ["all", "user:7", "role:admin", "role:viewer", "users:3", "users:3,7,12", "all-but:5,9"] {
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
