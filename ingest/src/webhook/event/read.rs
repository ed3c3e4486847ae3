//! Lenient parsing of a delivery's elements.
//!
//! Mandrill's payloads vary: fields can be missing, null or of a different type, an empty object can be sent as `[]`, and new kinds appear
//! without notice. The only requirement for an event is therefore that the element specifies its kind. Fields that cannot be parsed are
//! omitted, and the element itself is stored byte for byte.

use shared::event::ReasonClass;
use time::{Duration, OffsetDateTime};

use super::digest::digest;
use super::kind::{known_spelling, sync_kind};
use super::{MAX_TAGS, NewEvent, ReadOptions, Reason, Text};
use crate::verdict::actor::{self, ActorVerdict, Client};
use crate::verdict::reason::{self, Failure};
use crate::webhook::json::elements::Element;
use crate::webhook::json::metadata::Metadata;
use crate::webhook::json::object::Object;

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
    pub fn read(raw: &'a str, options: ReadOptions) -> Result<Self, Reason> {
        let element = Element::parse(raw).ok_or(("not_an_object", "The element is not a JSON object."))?;
        Self::of(&element, raw, options)
    }

    /// Creates an event from an element that has already been parsed.
    ///
    /// # Errors
    /// Same as for [`NewEvent::read`].
    pub fn of(element: &Element<'a>, raw: &'a str, options: ReadOptions) -> Result<Self, Reason> {
        let top = &element.top;
        let kind = top.text("event").filter(|kind| !kind.is_empty());
        let family = top.text("type").filter(|family| !family.is_empty());
        let mut event = match (kind.map(known_spelling), family) {
            (Some(kind), _) if kind == "inbound" => inbound(element),
            (Some(kind), _) => message(element, kind),
            (None, Some(family)) => sync(element, &family),
            (None, None) => return Err(("no_kind", "The element has neither `event` nor `type`.")),
        };
        if event.kind.len() > MAX_KIND_BYTES {
            return Err(("kind_too_long", "The kind is longer than 64 bytes."));
        }
        if event.message_id.as_ref().is_some_and(|id| id.len() > MAX_ID_BYTES) {
            return Err(("id_too_long", "The message id is longer than 512 bytes."));
        }
        event.occurred_at = time_of(top, options.now);
        event.actor = actor_of(&event, element, options.now);
        (event.digest, event.day) = digest(&event, element, raw, options);
        event.limit_lengths();
        event.search = event.search_text();
        event.payload = raw;
        Ok(event)
    }
}

/// The time in the field `ts`; `None` if it is missing, not positive or too far in the future.
fn time_of(object: &Object<'_>, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let at = OffsetDateTime::from_unix_timestamp(object.integer("ts")?).ok()?;
    (at.unix_timestamp() > 0 && at <= now + MAX_CLOCK_SKEW).then_some(at)
}

/// A text that says something: Mandrill writes nothing or `-` for unknown values.
fn meaningful<'a>(object: &Object<'a>, name: &str) -> Option<Text<'a>> {
    object.text(name).filter(|text| match text.as_bytes() {
        // Nearly all texts; spaces beyond ASCII are costly to recognise.
        [b'!'..=b',' | b'.'..=b'~', ..] => true,
        _ => !matches!(text.trim(), "" | "-"),
    })
}

/// An address without surrounding spaces.
fn address<'a>(object: &Object<'a>, name: &str) -> Option<Text<'a>> {
    let text = meaningful(object, name)?;
    Some(match text {
        Text::Borrowed(text) => text.trim().into(),
        Text::Owned(text) => text.trim().to_owned().into(),
    })
}

/// The message's tags, each once.
fn tags<'a>(msg: &Object<'a>) -> Vec<Text<'a>> {
    let mut tags = msg.texts("tags");
    let mut kept = 0;
    for at in 0..tags.len() {
        if kept < MAX_TAGS && !tags[at].is_empty() && !tags[..kept].contains(&tags[at]) {
            tags.swap(kept, at);
            kept += 1;
        }
    }
    tags.truncate(kept);
    tags
}

/// `{"event":…,"ts":…,"_id":…,"msg":{…}}`: a message event.
fn message<'a>(element @ Element { top, msg }: &Element<'a>, kind: Text<'a>) -> NewEvent<'a> {
    let location = top.object("location");
    let diagnostic = diagnostic(element);
    NewEvent {
        reason_class: reason_class(element, &kind, diagnostic.as_deref()),
        message_id: [top, msg].into_iter().find_map(|object| meaningful(object, "_id")),
        recipient: address(msg, "email"),
        sender: address(msg, "sender"),
        subject: msg.text("subject").filter(|subject| !subject.is_empty()),
        tags: tags(msg),
        metadata: Metadata::read(msg, "metadata"),
        template: meaningful(msg, "template"),
        subaccount: meaningful(msg, "subaccount"),
        url: meaningful(top, "url"),
        ip: meaningful(top, "ip"),
        user_agent: meaningful(top, "user_agent"),
        country: ["country", "country_long", "country_short"].into_iter().find_map(|name| meaningful(&location, name)),
        city: meaningful(&location, "city"),
        diagnostic,
        ..NewEvent::of_kind(kind)
    }
}

/// The SMTP reply, or else what Mandrill says about the failure.
fn diagnostic<'a>(Element { top, msg }: &Element<'a>) -> Option<Text<'a>> {
    let rejection = || {
        let reject = msg.object("reject");
        match (meaningful(&reject, "reason"), meaningful(&reject, "detail")) {
            (Some(reason), Some(detail)) => Some(format!("{reason}: {detail}").into()),
            (reason, detail) => reason.or(detail),
        }
    };
    [(msg, "diag"), (top, "diag"), (msg, "bounce_description"), (msg, "reject")]
        .into_iter()
        .find_map(|(object, name)| meaningful(object, name))
        .or_else(rejection)
        .or_else(|| meaningful(&msg.last_object("smtp_events"), "diag"))
}

fn reason_class(Element { msg, .. }: &Element<'_>, kind: &str, diagnostic: Option<&str>) -> Option<ReasonClass> {
    if !reason::is_failure(kind) {
        return None;
    }
    let description = meaningful(msg, "bounce_description");
    let rejection = meaningful(msg, "reject").or_else(|| meaningful(&msg.object("reject"), "reason"));
    let (description, rejection) = (description.as_deref(), rejection.as_deref());
    reason::classify(kind, &Failure { reply: diagnostic, description, rejection })
}

fn actor_of(event: &NewEvent<'_>, Element { top, msg }: &Element<'_>, now: OffsetDateTime) -> Option<ActorVerdict> {
    if !actor::has_actor(&event.kind) {
        return None;
    }
    let parsed_type = top.object("user_agent_parsed").text("type");
    let client = Client {
        agent: event.user_agent.as_deref(),
        parsed_type: parsed_type.as_deref(),
        ip: event.ip.as_deref(),
        occurred_at: event.occurred_at,
        sent_at: time_of(msg, now),
    };
    actor::judge(&event.kind, &client)
}

/// `{"type":…,"action":…,"reject"|"entry":{…},"ts":…}`: a change to the denylist or allowlist. The kind is stored under Mandrill's old
/// name.
fn sync<'a>(Element { top, .. }: &Element<'a>, family: &str) -> NewEvent<'a> {
    let (reject, entry) = (top.object("reject"), top.object("entry"));
    let either = |name| meaningful(&reject, name).or_else(|| meaningful(&entry, name));
    NewEvent {
        recipient: address(&reject, "email").or_else(|| address(&entry, "email")),
        sender: address(&reject, "sender").or_else(|| address(&entry, "sender")),
        subaccount: either("subaccount"),
        diagnostic: either("detail").or_else(|| either("reason")),
        ..NewEvent::of_kind(sync_kind(top, family).into())
    }
}

/// `{"event":"inbound","ts":…,"msg":{…}}`: mail received by Mandrill. The mail's own `Message-Id` header is used as the message id.
fn inbound<'a>(Element { msg, .. }: &Element<'a>) -> NewEvent<'a> {
    NewEvent {
        message_id: msg.object("headers").header("Message-Id").filter(|id| !id.trim().is_empty()),
        recipient: address(msg, "email"),
        sender: address(msg, "from_email"),
        subject: msg.text("subject").filter(|subject| !subject.is_empty()),
        tags: tags(msg),
        ..NewEvent::of_kind("inbound".into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::event::ReasonClass;

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
    fn empty_values_are_none_and_irregular_ones_are_read() {
        let element = json!({
            "event": "hard-bounce", "ts": 1, "_id": "", "ip": "-", "user_agent": "", "location": {"country": "-", "city": " "},
            "msg": {"_id": "m2", "email": " a@example.com\t", "sender": "", "subject": "", "template": "-", "subaccount": "",
                    "tags": {"0": "a", "2": "b", "3": "a", "4": ""}, "diag": "-", "bounce_description": "bad_mailbox"}
        });
        let event = read(&element);
        assert_eq!((&*event.kind, event.message_id.as_deref()), ("hard_bounce", Some("m2")));
        assert_eq!((event.recipient.as_deref(), event.diagnostic.as_deref()), (Some("a@example.com"), Some("bad_mailbox")));
        assert_eq!((event.tags.as_slice(), event.reason_class), (&["a".into(), "b".into()][..], Some(ReasonClass::NoMailbox)));
        let others = [event.ip, event.user_agent, event.country, event.city, event.sender, event.subject, event.template];
        assert!(others.iter().all(Option::is_none), "{others:?}");
        for (reject, diagnostic, class) in [
            (json!("unsigned"), "unsigned", ReasonClass::SenderSetup),
            (json!({"reason": "hard-bounce", "detail": "550 no"}), "hard-bounce: 550 no", ReasonClass::Suppressed),
            (json!({"reason": "spam", "detail": ""}), "spam", ReasonClass::Suppressed),
        ] {
            let event = read(&json!({"event": "reject", "ts": 1, "_id": "m1", "msg": {"reject": reject}}));
            assert_eq!((event.diagnostic.as_deref(), event.reason_class), (Some(diagnostic), Some(class)));
        }
        for headers in [json!({"MESSAGE-ID": "<1@x>"}), json!({"message-Id": ["<1@x>", "<2@x>"]})] {
            let mail = read(&json!({"event": "inbound", "ts": 1, "msg": {"headers": headers}}));
            assert_eq!(mail.message_id.as_deref(), Some("<1@x>"));
        }
        let entry = json!({"type": "blacklist", "action": "add", "ts": 1, "reject": {"email": "a@example.com", "reason": "custom", "detail": "-"}});
        assert_eq!(read(&entry).diagnostic.as_deref(), Some("custom"));
    }

    #[test]
    fn long_texts_are_cut_and_the_payload_is_not() {
        let long = "é".repeat(20_000);
        let element = with(
            "msg",
            json!({"email": long, "subject": long, "tags": (100..300).map(|n| format!("{n}!{long}")).collect::<Vec<_>>()}),
        );
        let event = read(&element);
        assert_eq!(event.recipient.map(|text| text.len()), Some(MAX_KEY_BYTES));
        assert_eq!(event.subject.map(|text| text.len()), Some(MAX_TEXT_BYTES));
        assert_eq!((event.tags.len(), event.tags[0].len()), (MAX_TEXT_BYTES / MAX_KEY_BYTES, MAX_KEY_BYTES));
        let short = read(&with("msg", json!({"tags": (0..200).map(|n| n.to_string()).collect::<Vec<_>>()})));
        assert_eq!(short.tags.len(), MAX_TAGS);
        assert!(event.search.ends_with("é") && event.search.len() <= 4 * MAX_TEXT_BYTES, "{}", event.search.len());
        assert_eq!(event.payload, element.to_string());
    }
}
