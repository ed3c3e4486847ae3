//! An event as everybody reads it: the API's lists, the feed, and the frames of the notifier.

mod search_text;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::types::Json;
use time::OffsetDateTime;
use utoipa::ToSchema;

pub(crate) use self::search_text::subject_of;
pub use self::search_text::{SUBJECT, fold, fold_into};

// `S` is text, borrowed where it was just parsed.
/// What became of a message, without its payload. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, Serialize, Deserialize, sqlx::FromRow, ToSchema)]
pub struct Event<S = String> {
    /// Ours, unique and growing; the provider gives events no id.
    pub id: i64,
    /// Mandrill's word, such as `open` or `blacklist_add`.
    #[schema(value_type = String)]
    pub kind: S,
    /// When it happened, by Mandrill's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
    /// When it was committed here.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// The message's id at Mandrill.
    #[schema(value_type = Option<String>)]
    pub message_id: Option<S>,
    /// The address written to; of a sync event, the address listed.
    #[schema(value_type = Option<String>)]
    pub recipient: Option<S>,
    /// The address written from.
    #[schema(value_type = Option<String>)]
    pub sender: Option<S>,
    /// The message's subject.
    #[schema(value_type = Option<String>)]
    pub subject: Option<S>,
    /// The message's tags.
    #[schema(value_type = Vec<String>)]
    pub tags: Vec<S>,
    /// The message's metadata: an object, or null.
    #[schema(value_type = Option<HashMap<String, Value>>)]
    pub metadata: Option<Json<Box<RawValue>>>,
    /// The template it was made from.
    #[schema(value_type = Option<String>)]
    pub template: Option<S>,
    /// The subaccount it was sent for.
    #[schema(value_type = Option<String>)]
    pub subaccount: Option<S>,
    /// The link that was clicked.
    #[schema(value_type = Option<String>)]
    pub url: Option<S>,
    /// Where an open or click came from.
    #[schema(value_type = Option<String>)]
    pub ip: Option<S>,
    /// The mail client or browser of an open or click.
    #[schema(value_type = Option<String>)]
    pub user_agent: Option<S>,
    /// Country of that address, as Mandrill says.
    #[schema(value_type = Option<String>)]
    pub country: Option<S>,
    /// City of that address, as Mandrill says.
    #[schema(value_type = Option<String>)]
    pub city: Option<S>,
    /// SMTP reply or bounce text.
    #[schema(value_type = Option<String>)]
    pub diagnostic: Option<S>,
    /// Posted by a person or a token rather than by Mandrill.
    pub simulated: bool,
    /// The label of the key that proved the delivery.
    #[schema(value_type = Option<String>)]
    pub webhook: Option<S>,
    /// When the person it was about was erased from it.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub erased_at: Option<OffsetDateTime>,
}
