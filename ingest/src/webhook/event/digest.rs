//! Identifies the event that an element describes. Elements with equal digests are deliveries of the same event.

use sha2::{Digest, Sha256};

use super::{NewEvent, Text};
use crate::webhook::json::elements::Element;

/// Hashes the provider's identity fields, each length-prefixed so that adjacent fields cannot be confused.
///
/// `msg` is a snapshot that differs between deliveries, so only those of its fields that never change are used in place of a missing id. An
/// element without identity fields is hashed as a whole.
pub(super) fn digest(event: &NewEvent<'_>, element: &Element<'_>, ts: Option<i64>, raw: &str, simulated: bool) -> [u8; 16] {
    let (kind, recipient) = (&*event.kind, or_empty(&event.recipient));
    let (id, url) = (or_empty(&event.message_id), or_empty(&event.url));
    let (ip, user_agent) = (or_empty(&event.ip), or_empty(&event.user_agent));
    let is_sync = element.top.text("event").is_none_or(|kind| kind.is_empty());
    let whole_mail = if kind == "inbound" && id.is_empty() { element.msg.text("raw_msg") } else { None };
    let at = ts.map(|ts| ts.to_string());
    let identity: &[&str] = match &at {
        Some(ts) if is_sync && !recipient.is_empty() => &["sync", kind, recipient, or_empty(&event.subaccount), ts],
        Some(_) if is_sync => &[],
        // The same email can arrive for several of our addresses.
        Some(ts) if kind == "inbound" && !id.is_empty() => &["inbound", kind, id, ts, recipient, ip, user_agent],
        Some(ts) if whole_mail.is_some() => &["inbound mail", or_empty(&whole_mail), ts, recipient],
        Some(ts) if !id.is_empty() => &["message", kind, id, ts, url, ip, user_agent],
        Some(ts) if !recipient.is_empty() && kind != "inbound" => {
            let (sender, subject) = (or_empty(&event.sender), or_empty(&event.subject));
            &["nameless message", kind, recipient, sender, subject, ts, url, ip, user_agent]
        }
        _ => &[],
    };
    let mut hash = Sha256::new();
    hash.update([u8::from(simulated), u8::from(!identity.is_empty())]);
    let whole = [raw];
    for part in if identity.is_empty() { &whole } else { identity } {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.finalize()[..16]);
    digest
}

fn or_empty<'t>(text: &'t Option<Text<'_>>) -> &'t str {
    text.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::Duration;

    use super::super::fixture::{NOW, open, read, with};
    use super::*;

    #[test]
    fn equal_events_have_equal_digests_and_different_ones_differ() {
        let digest = read(&open()).digest;
        for (name, same) in [
            ("msg", json!({"email": "a@example.com", "opens": [1]})),
            ("user_agent_parsed", json!({})),
            ("ts", json!("1700000000")),
        ] {
            assert_eq!(read(&with(name, same)).digest, digest, "{name}");
        }
        for (name, other) in [
            ("event", json!("click")),
            ("ts", json!(1)),
            ("_id", json!("m2")),
            ("ip", json!(null)),
            ("user_agent", json!("X")),
            ("url", json!("u")),
        ] {
            assert_ne!(read(&with(name, other)).digest, digest, "{name}");
        }
        let text = open().to_string();
        assert_ne!(NewEvent::read(&text, true, NOW).expect("the element should be an event").digest, digest);
        // Adjacent fields cannot be confused.
        let (mut one, mut two) = (open(), open());
        (one["url"], one["ip"]) = (json!("ab"), json!("c"));
        (two["url"], two["ip"]) = (json!("a"), json!("bc"));
        assert_ne!(read(&one).digest, read(&two).digest);
    }

    #[test]
    fn without_an_id_stable_fields_or_the_bytes_identify_the_event() {
        let nameless =
            |email: &str, opens: Value| json!({"event": "open", "ts": 1_700_000_000, "msg": {"email": email, "opens": opens}});
        let digest = |email, opens| read(&nameless(email, opens)).digest;
        assert_eq!(digest("a@example.com", json!([])), digest("a@example.com", json!([1])), "the snapshot changed");
        assert_ne!(digest("a@example.com", json!([])), digest("b@example.com", json!([])));
        let timeless = |x: i32| read(&json!({"event": "open", "_id": "m1", "x": x})).digest;
        assert_eq!(timeless(1), timeless(1));
        assert_ne!(timeless(1), timeless(2));
        let mail = |raw: &str, score: f64| {
            read(&json!({"event": "inbound", "ts": 1, "msg": {"raw_msg": raw, "email": "in@example.com", "spam_report": {"score": score}}})).digest
        };
        assert_eq!(mail("Subject: a", 0.1), mail("Subject: a", 0.2));
        assert_ne!(mail("Subject: a", 0.1), mail("Subject: b", 0.1));
    }

    #[test]
    fn the_digest_does_not_depend_on_the_clock() {
        let element = json!({"event": "open", "_id": "m1", "ts": NOW.unix_timestamp() + 2 * 86_400}).to_string();
        let early = NewEvent::read(&element, false, NOW).expect("the element should be an event");
        let later = NewEvent::read(&element, false, NOW + Duration::days(3)).expect("the element should be an event");
        assert_eq!(early.occurred_at, None, "more than a day ahead");
        assert!(later.occurred_at.is_some());
        assert_eq!(early.digest, later.digest);
    }
}
