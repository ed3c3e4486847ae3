//! Filter conditions.

use time::OffsetDateTime;

use crate::event::{Actor, ReasonClass};
use crate::visibility::Visibility;

/// Selects the visible events that meet every condition. An empty filter selects all events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Matches any of these events, or all events if empty.
    pub ids: Vec<i64>,
    /// Matches any of these kinds, or all kinds if empty.
    pub kinds: Vec<String>,
    /// Exact match, but ignoring the case of ASCII letters.
    pub recipient: Option<String>,
    /// Exact match, but ignoring the case of ASCII letters.
    pub sender: Option<String>,
    /// The domain of the recipient's address, in lower case.
    pub domain: Option<String>,
    /// A substring of the subject. Both are compared after folding.
    pub subject: Option<String>,
    /// Exact match with one of the tags.
    pub tag: Option<String>,
    /// Parts of values, all of which the event must have.
    pub parts: Vec<Part>,
    /// Metadata keys and their exact values as text: strings, numbers in Postgres's notation, `true` and `false`.
    pub metadata: Vec<(String, String)>,
    /// Exact match.
    pub template: Option<String>,
    /// Exact match.
    pub subaccount: Option<String>,
    /// Matches any of these classes, or all events if empty.
    pub reason_classes: Vec<ReasonClass>,
    /// Matches any of these actors, or all events if empty.
    pub actors: Vec<Actor>,
    /// Exact match.
    pub message_id: Option<String>,
    /// Exact match.
    pub ip: Option<String>,
    /// Exact match.
    pub url: Option<String>,
    /// Received at or after this time.
    pub from: Option<OffsetDateTime>,
    /// Received before this time.
    pub to: Option<OffsetDateTime>,
    /// Selects only simulated events if true, or only real events if false.
    pub simulated: Option<bool>,
    /// Folded words, all of which the event's searchable text must contain.
    pub words: Vec<String>,
    /// The words as version 0.2.0 folded them; empty if that makes no difference. Only lists use them, until all stored events have been
    /// folded again.
    pub earlier_words: Vec<String>,
    /// The same for `subject`.
    pub earlier_subject: Option<String>,
    /// Excluded values. An event that has any of them is not selected.
    pub not: Vec<(Field, String)>,
    /// Searches for parts of texts only in texts that hold no address, and for words only in subjects. Set for callers who see no addresses.
    pub plain_texts_only: bool,
    /// What the caller may see. Callers cannot set it.
    pub visibility: Visibility,
}

/// A part of a field's value, compared ignoring the case of ASCII letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Part {
    /// The field that contains it.
    pub field: PartField,
    /// Where it occurs.
    pub place: Place,
    /// In lower case.
    pub text: String,
}

/// A field that can be searched for a part of its value, with `NAME.prefix` and `NAME.contains`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartField {
    /// One of the tags.
    Tag,
    /// The template.
    Template,
    /// The subaccount.
    Subaccount,
}

/// Where a part of a value occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// At the start.
    Start,
    /// Anywhere.
    Anywhere,
}

/// A field whose values can be excluded with `not.NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// `not.kind`
    Kind,
    /// `not.recipient`
    Recipient,
    /// `not.sender`
    Sender,
    /// `not.domain`
    Domain,
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
    /// `not.reason_class`
    ReasonClass,
    /// `not.actor`
    Actor,
    /// `not.metadata.KEY`
    Metadata(String),
}

impl Filter {
    /// Returns true if the filter has no conditions, and the caller may see everything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
