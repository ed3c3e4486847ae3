//! The notification of an event, before it is stored.

use shared::notification::Audience;

/// What users are notified of, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationDraft {
    /// `open`, or `event` for events of any other kind.
    pub kind: &'static str,
    /// One line.
    pub title: String,
    /// Details; may be empty.
    pub body: String,
    /// The users who see it.
    pub audience: Audience,
}
