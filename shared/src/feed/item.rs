//! What the feed carries.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::Event;
use crate::notification::{Notification, ReadMark};

/// One committed thing: an event, with its notification if it is an open; or a notification alone; or what somebody has read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FeedItem<S = String> {
    /// The event, for the live list.
    pub event: Option<Event<S>>,
    /// The event's searchable words, folded; for filters alone, never sent to clients.
    pub search: Option<S>,
    /// What people are told.
    pub notification: Option<Notification<S>>,
    /// What somebody has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ReadMark>,
}

/// An item as it arrives. The event's JSON is passed on as it came; whoever needs its fields reads them.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ReceivedItem {
    /// The event.
    pub event: Option<Box<RawValue>>,
    /// Its searchable words.
    pub search: Option<String>,
    /// What people are told.
    pub notification: Option<Notification>,
    /// What somebody has read.
    pub read: Option<ReadMark>,
}
