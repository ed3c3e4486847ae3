//! A feed entry, prepared once for all connections.

use std::sync::OnceLock;
use std::time::Instant;

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::event::Event;
use shared::feed::{ChangedVerdict, Cursor, RefetchReason};
use shared::filter::Filter;
use shared::masking::Masking;
use shared::notification::{Audience, Notification, ReadMark, UnreadMark};
use shared::session::User;
use shared::visibility::{Labels, Visibility};

use crate::fanout::protocol::ServerFrame;

/// A feed entry. If its content is a duplicate, the entry keeps its number but is empty.
#[derive(Debug)]
pub struct FeedEntry {
    pub cursor: Cursor,
    pub event: Option<EncodedEvent>,
    /// The frame for a notification or a read marker.
    pub addressed: Option<AddressedFrame>,
    /// When this process received the entry.
    pub received: Instant,
}

impl FeedEntry {
    /// True if the entry contains an event that matches the filter.
    pub fn is_selected_by(&self, filter: &Filter) -> bool {
        self.event.as_ref().is_some_and(|event| event.is_selected_by(filter))
    }

    /// True if the frame concerns no event, or one that is visible.
    pub fn is_frame_visible(&self, visibility: &Visibility) -> bool {
        let event = || self.event.as_ref().and_then(EncodedEvent::decoded);
        visibility.is_everything()
            || self.addressed.as_ref().is_none_or(|frame| match &frame.about {
                About::NoEvent => true,
                About::EventOfEntry => event().is_some_and(|event| visibility.includes_event(event)),
                About::EventWith(labels) => labels.as_ref().is_some_and(|labels| visibility.includes_labels(labels)),
            })
    }
}

/// An event, as the JSON that ingest wrote. It is decoded once, when the first filter needs its fields.
#[derive(Debug)]
pub struct EncodedEvent {
    pub id: i64,
    json: Box<RawValue>,
    /// The same for clients who see no addresses.
    masked: OnceLock<Box<RawValue>>,
    /// The case-folded text that filters search.
    search: String,
    decoded: OnceLock<Option<Box<Event>>>,
}

impl EncodedEvent {
    /// `None` if the JSON has no id.
    pub fn new(json: Box<RawValue>, search: Option<String>) -> Option<Self> {
        #[derive(Deserialize)]
        struct Identified {
            id: i64,
        }
        let Identified { id } = serde_json::from_str(json.get()).ok()?;
        let (masked, decoded) = (OnceLock::new(), OnceLock::new());
        Some(Self { id, json, masked, search: search.unwrap_or_default(), decoded })
    }

    /// The JSON that a client gets.
    pub fn json(&self, masking: &Masking) -> &RawValue {
        if !masking.is_on() {
            return &self.json;
        }
        self.masked.get_or_init(|| {
            let seen = self.decoded().and_then(|event| serde_json::to_string(&masking.event(event.clone())).ok());
            let json = masking.json(seen.as_deref().unwrap_or(self.json.get())).into_owned();
            RawValue::from_string(json).unwrap_or_default()
        })
    }

    fn is_selected_by(&self, filter: &Filter) -> bool {
        if filter.is_empty() {
            return true;
        }
        self.decoded().is_some_and(|event| filter.matches(event, &self.search))
    }

    fn decoded(&self) -> Option<&Event> {
        self.decoded.get_or_init(|| serde_json::from_str(self.json.get()).ok()).as_deref()
    }
}

/// A frame for a subset of the users, with the same text for each of them.
#[derive(Debug)]
pub struct AddressedFrame {
    text: String,
    /// The text for clients who see no addresses, if it differs.
    masked: Option<OnceLock<String>>,
    /// Set for a notification, but not for a read or unread mark.
    pub notification_id: Option<i64>,
    audience: Audience,
    /// The user who sent the message. The sender gets the frame too.
    sender: Option<i64>,
    /// True if subscribers of any topic get the frame, because it concerns events and notifications alike.
    pub concerns_all_topics: bool,
    about: About,
}

/// The event that a frame tells something of.
#[derive(Debug)]
enum About {
    NoEvent,
    /// The event in the same entry.
    EventOfEntry,
    /// An earlier event with these labels; `None` if ingest did not say which.
    EventWith(Option<Labels>),
}

impl AddressedFrame {
    /// The frame for a notification. Clients see the public form of its audience.
    pub fn notification(cursor: &Cursor, mut notification: Notification) -> Self {
        let audience = notification.to.clone();
        notification.to = notification.to.redacted();
        let frame = Self::of(&ServerFrame::Notification { cursor, notification: &notification }, audience);
        Self {
            masked: Some(OnceLock::new()),
            notification_id: Some(notification.id),
            sender: notification.from.as_ref().map(|sender| sender.id),
            about: if notification.event_id.is_some() { About::EventOfEntry } else { About::NoEvent },
            ..frame
        }
    }

    /// The text that a client gets.
    pub fn text(&self, masking: &Masking) -> &str {
        match &self.masked {
            Some(masked) if masking.is_on() => masked.get_or_init(|| masked_notification(&self.text, masking)),
            _ => &self.text,
        }
    }

    /// The frame that informs a user's other pages of what the user has read.
    pub fn read_mark(cursor: &Cursor, read: &ReadMark) -> Self {
        Self::for_user(read.user, &ServerFrame::Read { cursor, ids: &read.ids, up_to: read.up_to, unread: read.unread })
    }

    /// The frame that informs a user's other pages of what the user has marked as unread.
    pub fn unread_mark(cursor: &Cursor, unread: &UnreadMark) -> Self {
        Self::for_user(unread.user, &ServerFrame::Unread { cursor, ids: &unread.ids, unread: unread.unread })
    }

    /// The frame for an event whose verdict has changed.
    pub fn changed(cursor: &Cursor, changed: ChangedVerdict) -> Self {
        let ChangedVerdict { id, actor, reason, labels } = changed;
        let frame = Self::for_all_topics(&ServerFrame::Changed { cursor, id, actor: &actor, reason: &reason });
        Self { about: About::EventWith(labels), ..frame }
    }

    /// The frame that makes clients fetch everything again.
    pub fn refetch(reason: RefetchReason) -> Self {
        Self::for_all_topics(&ServerFrame::Reset { reason: reason.code() })
    }

    fn for_user(user: i64, frame: &ServerFrame<'_>) -> Self {
        Self::of(frame, Audience::User(user))
    }

    fn for_all_topics(frame: &ServerFrame<'_>) -> Self {
        Self { concerns_all_topics: true, ..Self::of(frame, Audience::All) }
    }

    /// A frame that concerns no event and holds no address.
    fn of(frame: &ServerFrame<'_>, audience: Audience) -> Self {
        Self {
            text: frame.to_text(),
            masked: None,
            notification_id: None,
            audience,
            sender: None,
            concerns_all_topics: false,
            about: About::NoEvent,
        }
    }

    /// True if every user gets the frame.
    pub fn is_for_everyone(&self) -> bool {
        self.audience == Audience::All
    }

    /// True if `user` gets the frame.
    pub fn is_for(&self, user: &User) -> bool {
        self.audience.includes(user) || self.sender == Some(user.id)
    }
}

/// The text of a notification's frame for clients who see no addresses.
fn masked_notification(text: &str, masking: &Masking) -> String {
    #[derive(Deserialize)]
    struct Sent {
        cursor: Cursor,
        #[serde(flatten)]
        notification: Notification,
    }
    match serde_json::from_str(text) {
        Ok(Sent { cursor, notification }) => {
            let notification = notification.seen_with(masking);
            ServerFrame::Notification { cursor: &cursor, notification: &notification }.to_text()
        }
        Err(_) => masking.json(text).into_owned(),
    }
}
