//! An event as everybody reads it: the API's lists, the feed, and the frames of the notifier.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::types::Json;
use time::OffsetDateTime;

/// What became of a message, without its payload. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, Serialize, Deserialize, sqlx::FromRow)]
pub struct Event {
    /// Ours, unique and growing; the provider gives events no id.
    pub id: i64,
    /// Mandrill's word, such as `open` or `blacklist_add`.
    pub kind: String,
    /// When it happened, by Mandrill's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
    /// When it was committed here.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// The message's id at Mandrill.
    pub message_id: Option<String>,
    /// The address written to; of a sync event, the address listed.
    pub recipient: Option<String>,
    /// The address written from.
    pub sender: Option<String>,
    /// The message's subject.
    pub subject: Option<String>,
    /// The message's tags.
    pub tags: Vec<String>,
    /// The message's metadata: an object, or null.
    pub metadata: Option<Json<Box<RawValue>>>,
    /// The template it was made from.
    pub template: Option<String>,
    /// The subaccount it was sent for.
    pub subaccount: Option<String>,
    /// The link that was clicked.
    pub url: Option<String>,
    /// Where an open or click came from.
    pub ip: Option<String>,
    /// The mail client or browser of an open or click.
    pub user_agent: Option<String>,
    /// Country of that address, as Mandrill says.
    pub country: Option<String>,
    /// City of that address, as Mandrill says.
    pub city: Option<String>,
    /// SMTP reply or bounce text.
    pub diagnostic: Option<String>,
    /// Posted by a person or a token rather than by Mandrill.
    pub simulated: bool,
    /// The label of the key that proved the delivery.
    pub webhook: Option<String>,
}

/// Text made comparable: lower case, one space between words. Done here for SQL and the notifier alike, so that they agree.
pub fn fold(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}
