//! Lenient parsing of a delivery's elements.
//!
//! Mandrill's payloads vary: fields can be missing, null or of a different type, an empty object can be sent as `[]`, and new kinds appear
//! without notice. The only requirement for an event is therefore that the element specifies its kind. Fields that cannot be parsed are
//! omitted, and the element itself is stored byte for byte.

use time::{Duration, OffsetDateTime};

use super::digest::digest;
use super::{NewEvent, Reason, Text};
use crate::webhook::json::elements::Element;
use crate::webhook::json::metadata::Metadata;

/// Maximum length of a message id, in bytes. Mandrill's ids have 32 characters, but malformed ones have been seen in tests.
const MAX_ID_BYTES: usize = 512;
/// Maximum length of a kind, in bytes.
const MAX_KIND_BYTES: usize = 64;
/// A timestamp further in the future than this is attributed to a wrong clock.
const MAX_CLOCK_SKEW: Duration = Duration::DAY;

impl<'a> NewEvent<'a> {
    /// Parses an element from its text.
    ///
    /// # Errors
    /// Returns the reason if the element is not a valid event.
    pub fn read(raw: &'a str, simulated: bool, now: OffsetDateTime) -> Result<Self, Reason> {
        let element = Element::parse(raw).ok_or(("not_an_object", "The element is not a JSON object."))?;
        Self::of(&element, raw, simulated, now)
    }

    /// Creates an event from an element that has already been parsed.
    ///
    /// # Errors
    /// Same as for [`NewEvent::read`].
    pub fn of(element: &Element<'a>, raw: &'a str, simulated: bool, now: OffsetDateTime) -> Result<Self, Reason> {
        let top = &element.top;
        let mut event = match (top.text("event"), top.text("type")) {
            (Some(kind), _) if kind == "inbound" => inbound(element),
            (Some(kind), _) if !kind.is_empty() => message(element, kind),
            (_, Some(family)) if !family.is_empty() => sync(element, &family),
            _ => return Err(("no_kind", "The element has neither `event` nor `type`.")),
        };
        if event.kind.len() > MAX_KIND_BYTES {
            return Err(("kind_too_long", "The kind is longer than 64 bytes."));
        }
        if event.message_id.as_ref().is_some_and(|id| id.len() > MAX_ID_BYTES) {
            return Err(("id_too_long", "The message id is longer than 512 bytes."));
        }
        let ts = top.integer("ts");
        event.occurred_at = ts
            .and_then(|ts| OffsetDateTime::from_unix_timestamp(ts).ok())
            .filter(|at| at.unix_timestamp() > 0 && *at <= now + MAX_CLOCK_SKEW);
        event.digest = digest(&event, element, ts, raw, simulated);
        event.limit_lengths();
        event.search = event.search_text();
        event.payload = raw;
        Ok(event)
    }
}

/// `{"event":…,"ts":…,"_id":…,"msg":{…}}`: a message event.
fn message<'a>(Element { top, msg }: &Element<'a>, kind: Text<'a>) -> NewEvent<'a> {
    let location = top.object("location");
    NewEvent {
        message_id: top.text("_id").or_else(|| msg.text("_id")).filter(|id| !id.is_empty()),
        recipient: msg.text("email"),
        sender: msg.text("sender"),
        subject: msg.text("subject"),
        tags: msg.texts("tags"),
        metadata: Metadata::read(msg, "metadata"),
        template: msg.text("template"),
        subaccount: msg.text("subaccount"),
        url: top.text("url"),
        ip: top.text("ip"),
        user_agent: top.text("user_agent"),
        country: location.text("country").or_else(|| location.text("country_long")).or_else(|| location.text("country_short")),
        city: location.text("city"),
        diagnostic: [msg.text("diag"), top.text("diag"), msg.text("bounce_description"), msg.text("reject")]
            .into_iter()
            .flatten()
            .find(|text| !text.is_empty())
            .or_else(|| msg.last_object("smtp_events").text("diag").filter(|text| !text.is_empty())),
        ..NewEvent::of_kind(kind)
    }
}

/// `{"type":…,"action":…,"reject"|"entry":{…},"ts":…}`: a change to the denylist or allowlist. The kind is stored under Mandrill's old
/// name.
fn sync<'a>(Element { top, .. }: &Element<'a>, family: &str) -> NewEvent<'a> {
    let list = match family {
        "allowlist" | "safelist" => "whitelist",
        "denylist" => "blacklist",
        other => other,
    };
    let action = top.text("action").filter(|action| !action.is_empty());
    let kind = action.map_or_else(|| list.to_owned(), |action| format!("{list}_{action}"));
    let (reject, entry) = (top.object("reject"), top.object("entry"));
    let either = |name| reject.text(name).or_else(|| entry.text(name));
    NewEvent {
        recipient: either("email"),
        sender: either("sender"),
        subaccount: either("subaccount"),
        diagnostic: either("detail").or_else(|| either("reason")),
        ..NewEvent::of_kind(kind.into())
    }
}

/// `{"event":"inbound","ts":…,"msg":{…}}`: mail received by Mandrill. The mail's own `Message-Id` header is used as the message id.
fn inbound<'a>(Element { msg, .. }: &Element<'a>) -> NewEvent<'a> {
    let headers = msg.object("headers");
    let id = ["Message-Id", "Message-ID", "message-id"].into_iter().find_map(|name| headers.text(name));
    NewEvent {
        message_id: id.filter(|id| !id.is_empty()),
        recipient: msg.text("email"),
        sender: msg.text("from_email"),
        subject: msg.text("subject"),
        tags: msg.texts("tags"),
        ..NewEvent::of_kind("inbound".into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{read, with};
    use super::super::{MAX_KEY_BYTES, MAX_TAGS, MAX_TEXT_BYTES};

    #[test]
    fn every_family_of_elements_is_read_leniently() {
        let sync = read(
            &json!({"type": "allowlist", "action": "add", "ts": 1, "entry": {"email": "a@example.com", "detail": "by hand"}}),
        );
        assert_eq!(
            (&*sync.kind, sync.recipient.as_deref(), sync.diagnostic.as_deref()),
            ("whitelist_add", Some("a@example.com"), Some("by hand"))
        );
        let inbound = read(
            &json!({"event": "inbound", "ts": 1, "msg": {"headers": {"Message-Id": "<1@x>"}, "from_email": "f@example.org", "email": "in@example.com"}}),
        );
        assert_eq!(
            (&*inbound.kind, inbound.message_id.as_deref(), inbound.sender.as_deref()),
            ("inbound", Some("<1@x>"), Some("f@example.org"))
        );
        let bare = read(&json!({"event": "send", "msg": {"_id": "d1dasd12"}}));
        assert_eq!((bare.message_id.as_deref(), bare.occurred_at), (Some("d1dasd12"), None));
        for msg in
            [json!(null), json!([]), json!({}), json!("text"), json!({"metadata": [], "tags": {}, "sender": null, "ts": null})]
        {
            let event = read(&with("msg", msg));
            assert_eq!((event.message_id.as_deref(), event.metadata, event.tags.len()), (Some("m1"), None, 0));
        }
        let placed = read(&with("location", json!({"country": "Spain", "city": "Madrid", "latitude": "INVALID IP ADDRESS"})));
        assert_eq!((placed.country.as_deref(), placed.city.as_deref()), (Some("Spain"), Some("Madrid")));
    }

    #[test]
    fn long_texts_are_cut_and_the_payload_is_not() {
        let long = "é".repeat(20_000);
        let element = with("msg", json!({"email": long, "subject": long, "tags": vec![long.clone(); 200]}));
        let event = read(&element);
        assert_eq!(event.recipient.map(|text| text.len()), Some(MAX_KEY_BYTES));
        assert_eq!(event.subject.map(|text| text.len()), Some(MAX_TEXT_BYTES));
        assert_eq!((event.tags.len(), event.tags[0].len()), (MAX_TEXT_BYTES / MAX_KEY_BYTES, MAX_KEY_BYTES));
        let short = read(&with("msg", json!({"tags": vec!["t"; 200]})));
        assert_eq!(short.tags.len(), MAX_TAGS);
        assert!(event.search.ends_with("é") && event.search.len() <= 4 * MAX_TEXT_BYTES, "{}", event.search.len());
        assert_eq!(event.payload, element.to_string());
    }
}
