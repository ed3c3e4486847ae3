//! The protocol for `/ws` and `/sse`: JSON frames in both directions, and the close codes.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::feed::Cursor;
use shared::notification::Notification;
use shared::session::User;
use time::OffsetDateTime;

/// How many users are online across all replicas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Online {
    /// The number of distinct users.
    pub users: usize,
    pub connections: usize,
}

/// A frame from the server. Its `cursor` guarantees that every selected entry up to that point has been sent on this connection.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ServerFrame<'a> {
    /// The first frame.
    Hello {
        /// The connection's id on this replica.
        connection: u64,
        user: &'a User,
        /// The cursor of the newest feed entry.
        cursor: &'a Cursor,
        /// Allows clients to correct for an inaccurate clock.
        #[serde(with = "time::serde::rfc3339")]
        server_time: OffsetDateTime,
        /// The version of this service.
        build: &'static str,
        online: Online,
    },
    /// The response to `subscribe`.
    Subscribed {
        /// The cursor from which the connection continues.
        cursor: &'a Cursor,
        /// True if every entry after `after` will follow; false if the client has to fetch over HTTP.
        recovered: bool,
    },
    /// A notification for this user.
    Notification {
        cursor: &'a Cursor,
        #[serde(flatten)]
        notification: &'a Notification,
    },
    /// This user has read notifications on any of their pages.
    Read {
        cursor: &'a Cursor,
        /// The notifications that were read.
        ids: &'a [i64],
        /// All notifications up to this id have been read as well.
        up_to: Option<i64>,
        /// The number of unread notifications that remain, counted up to 1,000.
        unread: i64,
    },
    /// This user has marked notifications as unread on any of their pages.
    Unread {
        cursor: &'a Cursor,
        /// The notifications that are unread again.
        ids: &'a [i64],
        /// The number of unread notifications, counted up to 1,000.
        unread: i64,
    },
    /// Events that the subscription selects.
    Events {
        cursor: &'a Cursor,
        /// In feed order.
        items: Vec<&'a RawValue>,
        /// How many older events in a burst were not sent. Clients fetch them over HTTP.
        #[serde(skip_serializing_if = "is_zero")]
        skipped: usize,
    },
    /// The actor of a visible event has changed. Sent whatever the subscription selects.
    Changed {
        cursor: &'a Cursor,
        /// The event's id.
        id: i64,
        actor: &'a str,
        /// The new `actor_reason`.
        reason: &'a str,
    },
    /// Entries may be missing or outdated, so the client has to fetch over HTTP. The subscription continues.
    Reset { reason: &'static str },
    /// The number of users online has changed.
    Presence { online: Online },
    /// The response to a `notify` whose message was stored.
    Sent {
        /// The `ref` that the client sent.
        r#ref: Option<&'a str>,
        /// The id of the notification.
        id: i64,
    },
    /// The response to a frame that was rejected.
    Error {
        /// The `ref` that the client sent.
        r#ref: Option<&'a str>,
        /// A stable code.
        code: &'static str,
        /// A human-readable sentence.
        detail: &'a str,
    },
    /// Allows clients to detect a dead connection.
    Heartbeat {
        /// Absent while entries are waiting to be sent.
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<&'a Cursor>,
    },
}

impl ServerFrame<'_> {
    /// Serializes the frame as JSON.
    pub fn to_text(&self) -> String {
        // Frames contain nothing that can fail to serialize.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The topics that a client can subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// Notifications for this user, and read markers.
    Notifications,
    /// Events that match the filter.
    Events,
}

/// A frame from a client.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ClientFrame {
    /// Replaces the connection's subscription.
    Subscribe {
        topics: Vec<Topic>,
        /// Filter names and values, as in the query string of `/api/events`.
        #[serde(default)]
        filter: serde_json::Map<String, serde_json::Value>,
        /// The cursor to resume from.
        #[serde(default)]
        after: Option<Cursor>,
    },
    /// Sends a message to other users.
    Notify {
        /// `all`, `user:ID` or `role:NAME`.
        to: String,
        title: String,
        #[serde(default)]
        body: String,
        /// Echoed in the response.
        #[serde(default)]
        r#ref: Option<String>,
    },
}

/// Why the server closes a connection. Clients reconnect after codes 4000 to 4499, but not after 4500 to 4999.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// 1001: the client has sent nothing for too long, not even a pong.
    Silent,
    /// 1002: the client violated RFC 6455.
    Violation,
    /// 1003: the client sent a binary message.
    Unsupported,
    /// 1007: the client sent text that is not valid UTF-8.
    NotUtf8,
    /// 1009: the client sent a message that is too large.
    TooLarge,
    /// 1012: the service is restarting.
    Restarting,
    /// 4408: the client reads too slowly.
    TooSlow,
    /// 4410: the user's role, or what the connection may show, has changed, so the client has to connect again.
    Resync,
    /// 4429: the client has exceeded its rate limit.
    RateLimited,
    /// 4501: the session or token is no longer valid.
    SignedOut,
}

impl Close {
    /// The close code and a human-readable reason.
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
