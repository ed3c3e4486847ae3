//! An event in the form in which it is stored. `event/read.rs` creates it from an element of a delivery.

mod digest;
#[cfg(test)]
mod fixture;
mod kind;
mod options;
mod read;

pub use self::kind::known_kind;
pub use self::options::ReadOptions;

use std::borrow::Cow;

use shared::event::{Event, ReasonClass, SUBJECT, fold_into};
use sqlx::types::Json;
use time::{Date, OffsetDateTime};

use crate::payload::codec::Codec;
use crate::payload::row_values::RowValues;
use crate::store::search_terms::{self, CommonWords};
use crate::verdict;
use crate::verdict::actor::ActorVerdict;
use crate::webhook::delivery::Source;
use crate::webhook::json::metadata::Metadata;

/// Maximum length of a string in an indexed column, in bytes. This is well below the limit for a Postgres index entry.
const MAX_KEY_BYTES: usize = 1024;
/// Maximum length of a string in any other column, in bytes. The payload still contains the complete string.
const MAX_TEXT_BYTES: usize = 8 << 10;
/// Maximum number of tags stored. Their total length is limited to [`MAX_TEXT_BYTES`].
const MAX_TAGS: usize = 100;
/// Typical size of a search text, in bytes.
const TYPICAL_SEARCH_BYTES: usize = 256;

/// Text that is either borrowed or decoded from the delivery.
pub type Text<'a> = Cow<'a, str>;

/// The reason an element is not a valid event: an error code and a sentence.
pub type Reason = (&'static str, &'static str);

/// An event that has not been assigned an id yet. Strings are truncated to the lengths above.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent<'a> {
    /// Identifies the event across deliveries: the first 16 bytes of a SHA-256 hash.
    pub digest: [u8; 16],
    /// The day of the event's `ts`, counted from 1970. `None` if its row cannot be found again by its message.
    pub(crate) day: Option<u16>,
    /// Mandrill's name for the kind, such as `open`.
    pub kind: Text<'a>,
    /// When the event happened, according to Mandrill's clock. `None` if Mandrill provides no usable timestamp.
    pub occurred_at: Option<OffsetDateTime>,
    /// Mandrill's message id, or the `Message-Id` header for inbound mail.
    pub message_id: Option<Text<'a>>,
    /// The address that the message was sent to, or the address in a list entry.
    pub recipient: Option<Text<'a>>,
    /// The address that the message was sent from.
    pub sender: Option<Text<'a>>,
    /// The message's subject.
    pub subject: Option<Text<'a>>,
    /// The message's tags.
    pub tags: Vec<Text<'a>>,
    /// The message's metadata.
    pub metadata: Option<Metadata<'a>>,
    /// The message's template.
    pub template: Option<Text<'a>>,
    /// The message's subaccount.
    pub subaccount: Option<Text<'a>>,
    /// The clicked link.
    pub url: Option<Text<'a>>,
    /// The IP address from which a message was opened or clicked.
    pub ip: Option<Text<'a>>,
    /// The client used to open or click.
    pub user_agent: Option<Text<'a>>,
    /// The country of `ip`.
    pub country: Option<Text<'a>>,
    /// The city of `ip`.
    pub city: Option<Text<'a>>,
    /// The SMTP reply or the bounce message.
    pub diagnostic: Option<Text<'a>>,
    /// Why mail was not delivered; `None` if the kind is not a failure.
    pub(crate) reason_class: Option<ReasonClass>,
    /// Who or what opened or clicked, and the evidence; `None` for all other kinds.
    pub(crate) actor: Option<ActorVerdict>,
    /// The folded text that is matched by free-text search.
    pub search: String,
    /// The element as received.
    pub payload: &'a str,
    /// The payload as a frame, if it is to be stored so.
    pub(crate) frame: Option<Vec<u8>>,
    /// The terms of the search index, if they have been computed.
    pub(crate) terms: Vec<i32>,
    /// Whether personal data was removed, because the recipient was erased.
    pub(crate) is_erased: bool,
}

impl<'a> NewEvent<'a> {
    fn of_kind(kind: Text<'a>) -> Self {
        Self {
            digest: [0; 16],
            day: None,
            kind,
            occurred_at: None,
            message_id: None,
            recipient: None,
            sender: None,
            subject: None,
            tags: Vec::new(),
            metadata: None,
            template: None,
            subaccount: None,
            url: None,
            ip: None,
            user_agent: None,
            country: None,
            city: None,
            diagnostic: None,
            reason_class: None,
            actor: None,
            search: String::new(),
            payload: "",
            frame: None,
            terms: Vec::new(),
            is_erased: false,
        }
    }

    /// Truncates strings to the lengths that columns and indexes accept.
    fn limit_lengths(&mut self) {
        let keys = [&mut self.recipient, &mut self.sender, &mut self.template, &mut self.subaccount, &mut self.ip];
        for key in keys.into_iter().flatten() {
            truncate(key, MAX_KEY_BYTES);
        }
        let texts =
            [&mut self.subject, &mut self.url, &mut self.user_agent, &mut self.country, &mut self.city, &mut self.diagnostic];
        for text in texts.into_iter().flatten() {
            truncate(text, MAX_TEXT_BYTES);
        }
        self.tags.truncate(MAX_TAGS);
        let mut remaining = MAX_TEXT_BYTES;
        self.tags.retain_mut(|tag| {
            let fits = remaining > 0;
            truncate(tag, MAX_KEY_BYTES.min(remaining));
            remaining -= tag.len();
            fits
        });
        self.metadata = self.metadata.take().filter(|metadata| metadata.text().len() <= MAX_TEXT_BYTES);
    }

    /// Returns the text that is indexed for searches by free text, tag or metadata: addresses, subject, tags and metadata values. Its
    /// length is bounded, because the length of each part is limited.
    fn search_text(&self) -> String {
        let mut search = String::with_capacity(TYPICAL_SEARCH_BYTES);
        for text in [&self.recipient, &self.sender].into_iter().flatten() {
            fold_into(&mut search, text);
        }
        if let Some(subject) = &self.subject {
            search.push(SUBJECT.0);
            fold_into(&mut search, subject);
            search.push(SUBJECT.1);
        }
        for text in self.tags.iter().chain(self.metadata.iter().flat_map(|metadata| &metadata.values)) {
            fold_into(&mut search, text);
        }
        search
    }

    /// The day on which the event happened, in UTC.
    pub(crate) fn happened_on(&self) -> Option<Date> {
        self.occurred_at.map(OffsetDateTime::date)
    }

    /// Computes what is stored beside the columns: the compressed payload and the terms of the search index.
    pub(crate) fn encode(&mut self, codec: &Codec, common: &CommonWords) {
        self.frame = codec.compress(self.payload, self.row_values());
        let [template, subaccount, url, ip] = [&self.template, &self.subaccount, &self.url, &self.ip].map(Option::as_deref);
        self.terms = search_terms::of_event(&self.search, common, template, subaccount, url, ip);
        // Grams that are equal and common words leave most of the room unused, for thousands of events at a time.
        self.terms.shrink_to_fit();
    }

    /// Removes personal data. The counts, the message's id and the digest remain, so that a repeat is recognised. The columns are those that
    /// `store/events/erase.rs` clears.
    pub(crate) fn erase(&mut self) {
        if self.kind == "inbound" {
            self.sender = None;
        }
        let columns = [&mut self.recipient, &mut self.subject, &mut self.url, &mut self.ip, &mut self.user_agent];
        for column in columns.into_iter().chain([&mut self.country, &mut self.city, &mut self.diagnostic]) {
            *column = None;
        }
        self.metadata = None;
        self.search = String::new();
        self.payload = "{}";
        self.is_erased = true;
    }

    /// The values that the payload may repeat.
    pub fn row_values(&self) -> RowValues<'_> {
        let texts = [
            &self.message_id,
            &self.recipient,
            &self.sender,
            &self.subject,
            &self.template,
            &self.url,
            &self.ip,
            &self.user_agent,
            &self.diagnostic,
            &self.country,
            &self.city,
        ];
        RowValues::of(texts, &self.tags)
    }

    /// The payload as its column stores it: empty if there is a frame.
    pub(crate) fn plain_payload(&self) -> &'a str {
        if self.frame.is_some() { "" } else { self.payload }
    }

    /// Returns the version of the rules that decided on the event; `None` if its kind has no verdict.
    pub(crate) fn verdict_rules(&self) -> Option<i16> {
        (self.reason_class.is_some() || self.actor.is_some()).then_some(verdict::RULES)
    }

    /// Converts the event, once it has an id, to the form that is sent to clients.
    pub(crate) fn to_event<'s>(&'s self, id: i64, received_at: OffsetDateTime, source: &'s Source) -> Event<&'s str> {
        Event {
            id,
            kind: self.kind.as_ref(),
            occurred_at: self.occurred_at.unwrap_or(received_at),
            received_at,
            message_id: self.message_id.as_deref(),
            recipient_id: None,
            recipient: self.recipient.as_deref(),
            sender: self.sender.as_deref(),
            subject: self.subject.as_deref(),
            tags: self.tags.iter().map(AsRef::as_ref).collect(),
            metadata: self.metadata.as_ref().map(|metadata| Json(metadata.json.clone().into_owned())),
            template: self.template.as_deref(),
            subaccount: self.subaccount.as_deref(),
            url: self.url.as_deref(),
            ip: self.ip.as_deref(),
            user_agent: self.user_agent.as_deref(),
            country: self.country.as_deref(),
            city: self.city.as_deref(),
            diagnostic: self.diagnostic.as_deref(),
            reason_class: self.reason_class.map(ReasonClass::code),
            actor: self.actor.map(|(actor, _)| actor.code()),
            actor_reason: self.actor.map(|(_, reason)| reason.code()),
            simulated: source.is_simulation(),
            webhook: source.label(),
            source: source.filed_as(),
            stored_at: None,
            erased_at: self.is_erased.then_some(received_at),
        }
    }
}

fn truncate(text: &mut Text<'_>, max_bytes: usize) {
    let end = text.floor_char_boundary(max_bytes);
    match text {
        Cow::Borrowed(whole) => *whole = &whole[..end],
        Cow::Owned(whole) => whole.truncate(end),
    }
}
