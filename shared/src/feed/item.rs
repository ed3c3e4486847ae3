//! Items of the feed, as published and as received.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::Event;
use crate::notification::{Notification, ReadMark};

/// A committed item: an event with its notification if it has one, a notification without an event, or a read mark.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FeedItem<S = String> {
    pub event: Option<Event<S>>,
    /// The event's searchable text. Only filters use it; clients never receive it.
    pub search: Option<S>,
    pub notification: Option<Notification<S>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ReadMark>,
}

/// A received item. The event is kept as JSON, so that it can be forwarded unchanged and is parsed only where its fields are needed.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ReceivedItem {
    pub event: Option<Box<RawValue>>,
    /// The event's searchable text.
    pub search: Option<String>,
    pub notification: Option<Notification>,
    pub read: Option<ReadMark>,
}
