//! The JSON text frames of a websocket, both ways, and its close codes.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::feed::Cursor;
use shared::notification::Notification;
use shared::session::User;
use time::OffsetDateTime;

/// How many people are here, over all replicas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Online {
    /// Different users.
    pub users: usize,
    /// Their sockets.
    pub connections: usize,
}

/// What the server says. A `cursor` means: everything selected up to it has been sent on this socket.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ServerFrame<'a> {
    /// The first frame.
    Hello {
        /// Of this socket.
        connection: u64,
        /// Who is signed in.
        user: &'a User,
        /// Where the feed is now.
        cursor: &'a Cursor,
        /// For clients whose clock is off.
        #[serde(with = "time::serde::rfc3339")]
        server_time: OffsetDateTime,
        /// Of this service.
        build: &'static str,
        /// Who is here.
        online: Online,
    },
    /// The answer to `subscribe`.
    Subscribed {
        /// What the client has, from here on.
        cursor: &'a Cursor,
        /// True: everything after `after` follows. False: refetch by HTTP.
        recovered: bool,
    },
    /// Something that this user is told.
    Notification {
        /// Of the entry that carried it.
        cursor: &'a Cursor,
        /// What is told.
        #[serde(flatten)]
        notification: &'a Notification,
    },
    /// This user has read some of what they were told, on whichever page.
    Read {
        /// Of the entry that carried it.
        cursor: &'a Cursor,
        /// These.
        ids: &'a [i64],
        /// And all up to this one.
        up_to: Option<i64>,
        /// How many are left unread; at most 1,000 are counted.
        unread: i64,
    },
    /// Events that the subscription selects.
    Events {
        /// Up to here.
        cursor: &'a Cursor,
        /// In the feed's order.
        items: Vec<&'a RawValue>,
        /// How many more there were in a burst; refetch to see them.
        #[serde(skip_serializing_if = "is_zero")]
        skipped: usize,
    },
    /// Continuity cannot be proven: refetch by HTTP. The subscription goes on.
    Reset {
        /// Why.
        reason: &'static str,
    },
    /// Somebody came or went.
    Presence {
        /// Who is here now.
        online: Online,
    },
    /// The answer to a `notify` that was stored.
    Sent {
        /// As the client named it.
        r#ref: Option<&'a str>,
        /// Of the notification.
        id: i64,
    },
    /// A frame that could not be followed.
    Error {
        /// As the client named it.
        r#ref: Option<&'a str>,
        /// Stable.
        code: &'static str,
        /// One sentence.
        detail: &'a str,
    },
    /// So that a page can tell a dead socket.
    Heartbeat {
        /// As in any frame, while nothing waits to be sent.
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<&'a Cursor>,
    },
}

impl ServerFrame<'_> {
    /// As text.
    pub fn to_text(&self) -> String {
        // These shapes always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What a client may subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// What this user is told.
    Notifications,
    /// Events that the filter selects.
    Events,
}

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ClientFrame {
    /// Chooses what this socket carries, from now on and instead of before.
    Subscribe {
        /// Any of them.
        topics: Vec<Topic>,
        /// Names and values as in the query string of `/api/events`.
        #[serde(default)]
        filter: serde_json::Map<String, serde_json::Value>,
        /// Where the client stopped, to resume.
        #[serde(default)]
        after: Option<Cursor>,
    },
    /// Tells somebody something.
    Notify {
        /// `all`, `user:ID` or `role:NAME`.
        to: String,
        /// One line.
        title: String,
        /// The rest.
        #[serde(default)]
        body: String,
        /// Comes back in the answer.
        #[serde(default)]
        r#ref: Option<String>,
    },
}

/// Why the server ends a socket. 4000 to 4499: come back. 4500 to 4999: do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// 1001: the other side was silent for too long.
    Silent,
    /// 1002: not as RFC 6455 has it.
    Violation,
    /// 1003: not text.
    Unsupported,
    /// 1007: text that is not UTF-8.
    NotUtf8,
    /// 1009: a message too large.
    TooLarge,
    /// 1012: the service is restarting.
    Restarting,
    /// 4408: the client reads too slowly.
    TooSlow,
    /// 4410: what the session may see has changed; subscribe anew.
    Resync,
    /// 4429: the client says too much.
    RateLimited,
    /// 4501: the session has ended; sign in again.
    SignedOut,
}

impl Close {
    /// The code, and a word for people.
    pub fn code_and_reason(self) -> (u16, &'static str) {
        match self {
            Self::Silent => (1001, "silent"),
            Self::Violation => (1002, "protocol error"),
            Self::Unsupported => (1003, "text only"),
            Self::NotUtf8 => (1007, "not utf-8"),
            Self::TooLarge => (1009, "too large"),
            Self::Restarting => (1012, "restarting"),
            Self::TooSlow => (4408, "too slow"),
            Self::Resync => (4410, "resync"),
            Self::RateLimited => (4429, "too much"),
            Self::SignedOut => (4501, "sign in again"),
        }
    }
}
