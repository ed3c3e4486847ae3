//! Identifies the event that an element describes. Elements with equal digests are deliveries of the same event.

use sha2::{Digest, Sha256};

use super::kind::sync_kind;
use super::{NewEvent, ReadOptions, Text};
use crate::webhook::json::elements::Element;

const SECONDS_PER_DAY: i64 = 86_400;

/// Hashes the provider's identity fields, each length-prefixed so that adjacent fields cannot be confused.
///
/// `msg` is a snapshot that differs between deliveries, so only those of its fields that never change are used in place of a missing id. An
/// element without identity fields is hashed as a whole.
///
/// The fields are used as sent, not as the event shows them: improvements to how an event is read must not make a repeat a new event.
///
/// The second value is the day of the event's `ts`, counted from 1970: where its key is kept. `None` if its row cannot be found again by its message.
pub(super) fn digest(event: &NewEvent<'_>, element: &Element<'_>, raw: &str, options: ReadOptions) -> ([u8; 16], Option<u16>) {
    let ts = element.top.integer("ts");
    let at = ts.map(|ts| ts.to_string());
    let fields = Fields::of(event, element);
    let identity = match &at {
        Some(ts) => fields.identity(ts, options),
        None => Vec::new(),
    };
    let mut hash = Sha256::new();
    hash.update([u8::from(options.simulated), u8::from(!identity.is_empty())]);
    for part in if identity.is_empty() { vec![raw] } else { identity } {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.finalize()[..16]);
    let has_message = fields.id.is_some() && event.message_id.is_some();
    let day = ts.filter(|ts| has_message && *ts > 0).and_then(|ts| u16::try_from(ts / SECONDS_PER_DAY).ok());
    (digest, day)
}

/// An element's identity fields.
#[derive(Default)]
struct Fields<'a> {
    is_sync: bool,
    kind: Text<'a>,
    id: Option<Text<'a>>,
    recipient: Option<Text<'a>>,
    sender: Option<Text<'a>>,
    subaccount: Option<Text<'a>>,
    subject: Option<Text<'a>>,
    url: Option<Text<'a>>,
    ip: Option<Text<'a>>,
    user_agent: Option<Text<'a>>,
    /// The whole mail, if it is inbound and has no id.
    mail: Option<Text<'a>>,
}

impl<'a> Fields<'a> {
    fn of(event: &'a NewEvent<'_>, Element { top, msg }: &Element<'a>) -> Self {
        let kind = top.text("event").filter(|kind| !kind.is_empty());
        let Some(kind) = kind else {
            let (reject, entry) = (top.object("reject"), top.object("entry"));
            let either = |name| reject.text(name).or_else(|| entry.text(name));
            return Self {
                is_sync: true,
                kind: sync_kind(top, &top.text("type").unwrap_or_default()).into(),
                recipient: either("email"),
                sender: either("sender"),
                subaccount: either("subaccount"),
                ..Self::default()
            };
        };
        if kind == "inbound" {
            let headers = msg.object("headers");
            let id = ["Message-Id", "Message-ID", "message-id"].into_iter().find_map(|name| headers.text(name));
            let id = id.filter(|id| !id.is_empty());
            return Self {
                mail: if id.is_none() { msg.text("raw_msg") } else { None },
                id,
                recipient: msg.text("email"),
                kind,
                ..Self::default()
            };
        }
        // The event has these as sent, unless they say nothing. They are long and often escaped, so they are decoded once only.
        let sent = |shown: &'a Option<Text<'_>>, name| shown.as_deref().map(Text::Borrowed).or_else(|| top.text(name));
        let (url, ip) = (sent(&event.url, "url"), sent(&event.ip, "ip"));
        let user_agent = sent(&event.user_agent, "user_agent");
        let id = top.text("_id").or_else(|| msg.text("_id")).filter(|id| !id.is_empty());
        if id.is_some() {
            return Self { id, url, ip, user_agent, kind, ..Self::default() };
        }
        let (recipient, sender, subject) = (msg.text("email"), msg.text("sender"), msg.text("subject"));
        Self { recipient, sender, subject, url, ip, user_agent, kind, ..Self::default() }
    }

    /// The fields that identify an event which happened at `ts`. Empty if they are missing.
    fn identity<'f>(&'f self, ts: &'f str, options: ReadOptions) -> Vec<&'f str> {
        let (kind, recipient, sender) = (&*self.kind, or_empty(&self.recipient), or_empty(&self.sender));
        let (id, url) = (or_empty(&self.id), or_empty(&self.url));
        let (ip, user_agent) = (or_empty(&self.ip), or_empty(&self.user_agent));
        let subaccount = or_empty(&self.subaccount);
        if self.is_sync {
            let has_senders = ts.parse().is_ok_and(|ts: i64| ts >= options.sync_senders_from.unix_timestamp());
            return match (recipient.is_empty(), has_senders) {
                (true, _) => vec![],
                (false, true) => vec!["sync entry", kind, recipient, subaccount, sender, ts],
                (false, false) => vec!["sync", kind, recipient, subaccount, ts],
            };
        }
        match (kind, &self.mail) {
            // The same email can arrive for several of our addresses.
            ("inbound", _) if !id.is_empty() => vec!["inbound", kind, id, ts, recipient, ip, user_agent],
            ("inbound", Some(mail)) => vec!["inbound mail", mail, ts, recipient],
            (_, _) if !id.is_empty() => vec!["message", kind, id, ts, url, ip, user_agent],
            (_, _) if !recipient.is_empty() && kind != "inbound" => {
                vec!["nameless message", kind, recipient, sender, or_empty(&self.subject), ts, url, ip, user_agent]
            }
            _ => vec![],
        }
    }
}

fn or_empty<'t>(text: &'t Option<Text<'_>>) -> &'t str {
    text.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::Duration;

    use super::super::fixture::{NOW, open, options, read, with};
    use super::*;

    const OPEN_0_2_0: &str = "fc449e07380303d381acc2bb88c3bfb4";
    const BOUNCE_0_2_0: &str = "7f4a5a7baf658cc515531dece2fad31b";
    const ENTRY_0_2_0: &str = "c98644874f84ac73cacb2d4f8f244b02";
    const MAIL_0_2_0: &str = "1269a53adf2e99bc258abcc9ca9982a7";

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
        assert_ne!(
            NewEvent::read(&text, ReadOptions { simulated: true, ..options(NOW) })
                .expect("the element should be an event")
                .digest,
            digest
        );
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
    fn improved_reading_makes_no_repeat_a_new_event_and_senders_count_from_the_moment() {
        let entry = |ts: i64, sender: &str, subaccount: &str| {
            read(&json!({"type": "blacklist", "action": "add", "ts": ts, "reject": {"email": "a@example.com", "sender": sender, "subaccount": subaccount}})).digest
        };
        let (before, after) = (NOW.unix_timestamp(), (NOW + Duration::DAY).unix_timestamp());
        assert_eq!(entry(before, "x@example.com", "s"), entry(before, "y@example.com", "s"));
        assert_ne!(entry(after, "x@example.com", "s"), entry(after, "y@example.com", "s"));
        assert_ne!(entry(after, "x@example.com", "s"), entry(after, "x@example.com", "t"));
        // Computed by version 0.2.0.
        let stored = [
            (
                json!({"event": "open", "ts": 1, "_id": "m1", "ip": "-", "user_agent": "", "msg": {"email": " a@example.com"}}),
                OPEN_0_2_0,
            ),
            (
                json!({"event": "hard-bounce", "ts": 1, "_id": "", "msg": {"_id": "m1", "email": " a@example.com", "sender": "-"}}),
                BOUNCE_0_2_0,
            ),
            (
                json!({"type": "blacklist", "action": "add", "ts": 1, "reject": {"email": " a@example.com ", "sender": "s@example.com"}}),
                ENTRY_0_2_0,
            ),
            (
                json!({"event": "inbound", "ts": 1, "msg": {"headers": {"MESSAGE-ID": "<1@x>"}, "raw_msg": "x", "email": "in@example.com "}}),
                MAIL_0_2_0,
            ),
        ];
        for (element, digest) in stored {
            assert_eq!(hex::encode(read(&element).digest), digest, "{element}");
        }
    }

    #[test]
    fn the_digest_does_not_depend_on_the_clock() {
        let element = json!({"event": "open", "_id": "m1", "ts": NOW.unix_timestamp() + 2 * 86_400}).to_string();
        let early = NewEvent::read(&element, options(NOW)).expect("the element should be an event");
        let later = NewEvent::read(&element, options(NOW + Duration::days(3))).expect("the element should be an event");
        assert_eq!(early.occurred_at, None, "more than a day ahead");
        assert!(later.occurred_at.is_some());
        assert_eq!(early.digest, later.digest);
    }
}
