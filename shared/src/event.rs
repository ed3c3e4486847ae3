//! Events, as the API, the feed and the notifier's frames represent them.

mod search_text;
mod verdict;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::types::Json;
use time::OffsetDateTime;
use utoipa::ToSchema;

pub use self::search_text::{SUBJECT, fold, fold_as_version_0_2, fold_into, refold};
pub(crate) use self::search_text::{has_no_shape, subject_of};
pub use self::verdict::{Actor, ActorReason, ReasonClass, UnknownCode};

// `S` is the text type; a freshly parsed event borrows its text.
/// A stored event without its payload. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, Serialize, Deserialize, sqlx::FromRow, ToSchema)]
pub struct Event<S = String> {
    /// Unique and increasing. We assign it, since Mandrill's events have no id.
    pub id: i64,
    /// Mandrill's event type, such as `open` or `blacklist_add`.
    #[schema(value_type = String)]
    pub kind: S,
    /// When the event happened, according to Mandrill's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
    /// When the event was stored. If it has a `source`, when it happened.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// Mandrill's message id.
    #[schema(value_type = Option<String>)]
    pub message_id: Option<S>,
    /// Stands for the recipient's address, for callers who do not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[sqlx(skip)]
    #[schema(nullable = false)]
    pub recipient_id: Option<String>,
    /// The recipient's address, or the listed address for a sync event.
    #[schema(value_type = Option<String>)]
    pub recipient: Option<S>,
    /// The sender's address.
    #[schema(value_type = Option<String>)]
    pub sender: Option<S>,
    /// The message's subject.
    #[schema(value_type = Option<String>)]
    pub subject: Option<S>,
    /// The message's tags.
    #[schema(value_type = Vec<String>)]
    pub tags: Vec<S>,
    /// The message's metadata: an object or null.
    #[schema(value_type = Option<HashMap<String, Value>>)]
    pub metadata: Option<Json<Box<RawValue>>>,
    /// The message's template.
    #[schema(value_type = Option<String>)]
    pub template: Option<S>,
    /// The message's subaccount.
    #[schema(value_type = Option<String>)]
    pub subaccount: Option<S>,
    /// The clicked link.
    #[schema(value_type = Option<String>)]
    pub url: Option<S>,
    /// The IP address of an open or click.
    #[schema(value_type = Option<String>)]
    pub ip: Option<S>,
    /// The mail client or browser of an open or click.
    #[schema(value_type = Option<String>)]
    pub user_agent: Option<S>,
    /// The country of the IP address, according to Mandrill.
    #[schema(value_type = Option<String>)]
    pub country: Option<S>,
    /// The city of the IP address, according to Mandrill.
    #[schema(value_type = Option<String>)]
    pub city: Option<S>,
    /// The SMTP reply or bounce message.
    #[schema(value_type = Option<String>)]
    pub diagnostic: Option<S>,
    /// Why mail bounced, was deferred or was rejected.
    #[schema(value_type = Option<ReasonClass>)]
    pub reason_class: Option<S>,
    /// Who or what opened or clicked. It can change once within a day, when the time of delivery becomes known.
    #[schema(value_type = Option<Actor>)]
    pub actor: Option<S>,
    /// The evidence for `actor`.
    #[schema(value_type = Option<ActorReason>)]
    pub actor_reason: Option<S>,
    /// True if the event was posted by a user or an API token rather than by Mandrill.
    pub simulated: bool,
    /// The label of the key that verified the delivery's signature.
    #[schema(value_type = Option<String>)]
    pub webhook: Option<S>,
    /// `import` if the event was stored from a file long after it happened. Absent if it arrived in a delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub source: Option<S>,
    /// When an event with a `source` was stored.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stored_at: Option<OffsetDateTime>,
    /// When personal data was erased from the event.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub erased_at: Option<OffsetDateTime>,
}

/// The value of an event's field.
#[derive(Debug, Clone, Copy)]
pub enum FieldValue<'a> {
    Integer(i64),
    Boolean(bool),
    Time(Option<OffsetDateTime>),
    Text(Option<&'a str>),
    Texts(&'a [String]),
    Json(Option<&'a RawValue>),
}

/// A field's name, and a function that returns its value for an event.
pub type Field = (&'static str, for<'a> fn(&'a Event) -> FieldValue<'a>);

impl Event {
    /// Every field except `recipient_id` and `erased_at`, in the column order used for exports.
    pub const FIELDS: [Field; 25] = [
        ("id", |event| FieldValue::Integer(event.id)),
        ("kind", |event| FieldValue::Text(Some(&event.kind))),
        ("occurred_at", |event| FieldValue::Time(Some(event.occurred_at))),
        ("received_at", |event| FieldValue::Time(Some(event.received_at))),
        ("message_id", |event| FieldValue::Text(event.message_id.as_deref())),
        ("recipient", |event| FieldValue::Text(event.recipient.as_deref())),
        ("sender", |event| FieldValue::Text(event.sender.as_deref())),
        ("subject", |event| FieldValue::Text(event.subject.as_deref())),
        ("tags", |event| FieldValue::Texts(&event.tags)),
        ("metadata", |event| FieldValue::Json(event.metadata.as_ref().map(|metadata| &*metadata.0))),
        ("template", |event| FieldValue::Text(event.template.as_deref())),
        ("subaccount", |event| FieldValue::Text(event.subaccount.as_deref())),
        ("url", |event| FieldValue::Text(event.url.as_deref())),
        ("ip", |event| FieldValue::Text(event.ip.as_deref())),
        ("user_agent", |event| FieldValue::Text(event.user_agent.as_deref())),
        ("country", |event| FieldValue::Text(event.country.as_deref())),
        ("city", |event| FieldValue::Text(event.city.as_deref())),
        ("diagnostic", |event| FieldValue::Text(event.diagnostic.as_deref())),
        ("reason_class", |event| FieldValue::Text(event.reason_class.as_deref())),
        ("actor", |event| FieldValue::Text(event.actor.as_deref())),
        ("actor_reason", |event| FieldValue::Text(event.actor_reason.as_deref())),
        ("simulated", |event| FieldValue::Boolean(event.simulated)),
        ("webhook", |event| FieldValue::Text(event.webhook.as_deref())),
        ("source", |event| FieldValue::Text(event.source.as_deref())),
        ("stored_at", |event| FieldValue::Time(event.stored_at)),
    ];
}
