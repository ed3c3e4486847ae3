//! What people are told, and who is told.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::session::{Role, User};

/// One row of `notifications`, as the API and the frames show it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Notification {
    /// Of the row in `notifications`; a client that sees an id twice shows it once.
    pub id: i64,
    /// `open`, `message` or `alert`.
    pub kind: String,
    /// One line.
    pub title: String,
    /// The rest; may be empty.
    pub body: String,
    /// The event behind an open.
    pub event_id: Option<i64>,
    /// The message behind an open.
    pub message_id: Option<String>,
    /// The address behind an open.
    pub recipient: Option<String>,
    /// Who sent a message.
    pub from: Option<Sender>,
    /// Who sees it.
    pub to: Audience,
    /// When it was stored.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// What a user has read, for their other pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sender {
    /// The user's id.
    pub id: i64,
    /// The user's e-mail.
    pub email: String,
}

/// Who sees a notification: `all`, `user:ID` or `role:NAME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everybody who is signed in.
    All,
    /// One user, at every connection.
    User(i64),
    /// Everybody of a role.
    Role(Role),
}

impl Audience {
    /// True when `user` is part of it.
    pub fn includes(self, user: &User) -> bool {
        match self {
            Self::All => true,
            Self::User(id) => id == user.id,
            Self::Role(role) => role == user.role,
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Role(role) => write!(f, "role:{role}"),
        }
    }
}

/// The text is no audience.
#[derive(Debug, thiserror::Error)]
#[error("not one of `all`, `user:ID`, `role:NAME`")]
pub struct AudienceError;

impl FromStr for Audience {
    type Err = AudienceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "all" => Ok(Self::All),
            Some(("user", id)) => {
                let id: i64 = id.parse().map_err(|_| AudienceError)?;
                if id > 0 { Ok(Self::User(id)) } else { Err(AudienceError) }
            }
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
        for text in ["all", "user:7", "role:admin", "role:viewer"] {
            assert_eq!(text.parse::<Audience>().expect("an audience").to_string(), text);
        }
        for text in ["", "everyone", "user:", "user:-1", "user:x", "role:root", "all:"] {
            assert!(text.parse::<Audience>().is_err(), "{text}");
        }
    }
}
