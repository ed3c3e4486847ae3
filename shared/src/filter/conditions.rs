//! The conditions of a filter.

use time::OffsetDateTime;

/// Selects the events that meet every condition. An empty filter selects all events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Any of these kinds; all kinds if empty.
    pub kinds: Vec<String>,
    /// Exact, except for the case of ASCII letters.
    pub recipient: Option<String>,
    /// Exact, except for the case of ASCII letters.
    pub sender: Option<String>,
    /// A substring of the subject, both folded.
    pub subject: Option<String>,
    /// One of the tags, exact.
    pub tag: Option<String>,
    /// Metadata keys and their exact values as text: strings, numbers as Postgres writes them, `true` and `false`.
    pub metadata: Vec<(String, String)>,
    /// Exact.
    pub template: Option<String>,
    /// Exact.
    pub subaccount: Option<String>,
    /// Exact.
    pub message_id: Option<String>,
    /// Exact.
    pub ip: Option<String>,
    /// Exact.
    pub url: Option<String>,
    /// Received at or after this time.
    pub from: Option<OffsetDateTime>,
    /// Received before this time.
    pub to: Option<OffsetDateTime>,
    /// Only simulated events if true, only real ones if false.
    pub simulated: Option<bool>,
    /// Folded words, all of which the event's searchable text must contain.
    pub words: Vec<String>,
    /// Excluded values: an event that has any of them is not selected.
    pub not: Vec<(Field, String)>,
}

/// A field whose values can be excluded, as `not.NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// `not.kind`
    Kind,
    /// `not.recipient`
    Recipient,
    /// `not.sender`
    Sender,
    /// `not.tag`
    Tag,
    /// `not.template`
    Template,
    /// `not.subaccount`
    Subaccount,
    /// `not.message_id`
    MessageId,
    /// `not.ip`
    Ip,
    /// `not.url`
    Url,
    /// `not.metadata.KEY`
    Metadata(String),
}

impl Filter {
    /// True when the filter has no conditions.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
