//! An event as everybody reads it: the API's lists, the feed, and the frames of the notifier.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::types::Json;
use time::OffsetDateTime;
use utoipa::ToSchema;

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

/// Around the subject in an event's searchable text, so that it can be searched alone. No folded word contains them.
pub const SUBJECT: (char, char) = ('\u{1e}', '\u{1f}');

/// Text made comparable: lower case, one space between words, no control characters. Done here for SQL and the notifier alike, so
/// that they agree.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(&mut folded, text);
    folded
}

/// Appends the words of `text`, made comparable, each after a space unless it is the first.
pub fn fold_into(folded: &mut String, text: &str) {
    for word in text.split_whitespace() {
        if !folded.is_empty() && !folded.ends_with(SUBJECT.0) {
            folded.push(' ');
        }
        // Nearly all words: letters, digits and signs of ASCII, and no control character.
        if word.bytes().all(|byte| byte.is_ascii_graphic()) {
            let start = folded.len();
            folded.push_str(word);
            folded[start..].make_ascii_lowercase();
        } else {
            folded.extend(word.to_lowercase().chars().filter(|letter| !letter.is_control()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_makes_comparable() {
        assert_eq!(fold("  Caf\u{c9}\tBAR \u{a0}\u{39f}\u{394}\u{39f}\u{3a3} "), "caf\u{e9} bar \u{3bf}\u{3b4}\u{3bf}\u{3c2}");
        assert_eq!(fold(""), "");
        assert_eq!(fold("a\u{1e}B\u{85}c\u{7f}"), "ab c");
    }
}
