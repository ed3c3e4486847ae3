//! The conditions of a filter.

use time::OffsetDateTime;

/// Every condition must hold; an empty filter selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Any of these kinds; empty for all.
    pub kinds: Vec<String>,
    /// Exact, without regard to the case of ASCII letters.
    pub recipient: Option<String>,
    /// Exact, without regard to the case of ASCII letters.
    pub sender: Option<String>,
    /// Contained in the subject, both folded.
    pub subject: Option<String>,
    /// Among the tags, exact.
    pub tag: Option<String>,
    /// Keys of the metadata and their values as text, exact: strings, numbers as Postgres writes them, `true` and `false`.
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
    /// Received at or after.
    pub from: Option<OffsetDateTime>,
    /// Received before.
    pub to: Option<OffsetDateTime>,
    /// Only simulated events, or only real ones.
    pub simulated: Option<bool>,
    /// Words that the event's searchable text must all contain, folded.
    pub words: Vec<String>,
    /// None of these may hold.
    pub not: Vec<(Field, String)>,
}

/// A field whose exact value can be excluded: `not.NAME` for the names above.
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
    /// True when it selects everything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
