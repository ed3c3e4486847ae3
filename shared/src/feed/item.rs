//! Items of the feed, as published and as received.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::Event;
use crate::notification::{Notification, ReadMark, UnreadMark};
use crate::visibility::Labels;

/// A committed item: an event with its notification if it has one, a notification without an event, a read or unread mark, a changed
/// verdict, or a signal to refetch.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FeedItem<S = String> {
    pub event: Option<Event<S>>,
    /// The event's searchable text. Only filters use it; clients never receive it.
    pub search: Option<S>,
    pub notification: Option<Notification<S>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ReadMark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<UnreadMark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<ChangedVerdict>,
    /// Why clients should fetch everything again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refetch: Option<RefetchReason>,
}

/// An event whose actor has changed, because the time of delivery became known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedVerdict {
    /// The event's id.
    pub id: i64,
    pub actor: String,
    /// The new `actor_reason`.
    pub reason: String,
    /// What decides who may see the event. Clients never receive it.
    #[serde(default)]
    pub labels: Option<Labels>,
}

/// Why clients should fetch everything again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefetchReason {
    /// Stored events have been decided on again, by new rules.
    Verdicts,
    /// A recipient's data was erased.
    Erased,
    /// Another Redis server has become the master.
    Failover,
    /// The database was restored to an earlier state.
    Restored,
    /// Events were stored long after they happened.
    Filed,
}

impl RefetchReason {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Verdicts => "verdicts",
            Self::Erased => "erased",
            Self::Failover => "failover",
            Self::Restored => "restored",
            Self::Filed => "filed",
        }
    }
}

/// A received item. The event is kept as JSON, so that it can be forwarded unchanged and is parsed only where its fields are needed.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ReceivedItem {
    pub event: Option<Box<RawValue>>,
    /// The event's searchable text.
    pub search: Option<String>,
    pub notification: Option<Notification>,
    pub read: Option<ReadMark>,
    pub unread: Option<UnreadMark>,
    pub changed: Option<ChangedVerdict>,
    pub refetch: Option<RefetchReason>,
}
