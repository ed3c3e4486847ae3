//! The notification for an event, before it is stored.

use shared::notification::Audience;

/// The content of a notification and the users who receive it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationDraft {
    /// `open`, or `event` for every other kind of event.
    pub kind: &'static str,
    /// A single line.
    pub title: String,
    /// Details; may be empty.
    pub body: String,
    /// The users who see it.
    pub audience: Audience,
}
