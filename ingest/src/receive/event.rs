//! One element of a delivery as an event: each field taken leniently, and what tells it from any other.
//!
//! Mandrill's payloads vary (fields absent, null, of another type, `[]` for an empty object), and new kinds appear without
//! notice. So nothing here is a strict model: an element becomes an event as soon as it says what kind it is, a field that
//! cannot be read costs that field alone, and the element itself is kept byte for byte.

use sha2::{Digest, Sha256};
use shared::event::fold;
use time::{Duration, OffsetDateTime};

use super::json::{Object, mend};

/// Longest id that is stored; Mandrill's have 32 characters, tests have sent mangled ones.
const LONGEST_ID: usize = 512;
/// Longest kind.
const LONGEST_KIND: usize = 64;
/// Longest text of an indexed column, in bytes: what an index of Postgres takes, with room to spare.
const LONGEST_KEY: usize = 1024;
/// Longest text of any other column, in bytes; the payload has the rest.
const LONGEST_TEXT: usize = 8 << 10;
/// Most tags that are stored.
const MOST_TAGS: usize = 100;
/// Events further ahead than this have a clock that is off.
const AHEAD: Duration = Duration::DAY;

/// An event as it will be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Identifies the event over deliveries: 16 bytes of SHA-256.
    pub digest: [u8; 16],
    /// Mandrill's own word.
    pub kind: String,
    /// By Mandrill's clock; none when it gives no usable time.
    pub occurred_at: Option<OffsetDateTime>,
    /// The message's id at Mandrill.
    pub message_id: Option<String>,
    /// The address written to, or listed.
    pub recipient: Option<String>,
    /// The address written from.
    pub sender: Option<String>,
    /// Of the message.
    pub subject: Option<String>,
    /// Of the message.
    pub tags: Vec<String>,
    /// A JSON object that jsonb takes.
    pub metadata: Option<String>,
    /// The message's template.
    pub template: Option<String>,
    /// The message's subaccount.
    pub subaccount: Option<String>,
    /// The link clicked.
    pub url: Option<String>,
    /// Where an open or click came from.
    pub ip: Option<String>,
    /// By what an open or click was made.
    pub user_agent: Option<String>,
    /// Where that is.
    pub country: Option<String>,
    /// Where that is.
    pub city: Option<String>,
    /// SMTP reply or bounce text.
    pub diagnostic: Option<String>,
    /// Folded words for free text.
    pub search: String,
    /// The element as received.
    pub payload: String,
}

/// Why an element is poison: a code and a sentence.
pub type Reason = (&'static str, &'static str);

impl NewEvent {
    /// Reads an element's text.
    ///
    /// # Errors
    /// When it cannot be an event; why.
    pub fn read(raw: &str, simulated: bool, now: OffsetDateTime) -> Result<Self, Reason> {
        let no_object = ("not_an_object", "The element is no JSON object.");
        // JSON allows lone surrogates in text, Rust and Postgres do not; a copy without them is read instead.
        match serde_json::from_str::<Object<'_>>(raw) {
            Ok(object) => Self::of_object(&object, raw, simulated, now),
            Err(_) => {
                let mended = mend(raw);
                let object = serde_json::from_str::<Object<'_>>(&mended).map_err(|_| no_object)?;
                Self::of_object(&object, raw, simulated, now)
            }
        }
    }

    fn of_object(top: &Object<'_>, raw: &str, simulated: bool, now: OffsetDateTime) -> Result<Self, Reason> {
        let mut event = match (top.text("event"), top.text("type")) {
            (Some(kind), _) if kind == "inbound" => inbound(top),
            (Some(kind), _) if !kind.is_empty() => message(top, kind),
            (_, Some(family)) if !family.is_empty() => sync(top, &family),
            _ => return Err(("no_kind", "The element has neither `event` nor `type`.")),
        };
        if event.kind.len() > LONGEST_KIND {
            return Err(("kind_too_long", "The kind is longer than 64 bytes."));
        }
        if event.message_id.as_ref().is_some_and(|id| id.len() > LONGEST_ID) {
            return Err(("id_too_long", "The message id is longer than 512 bytes."));
        }
        let ts = top.integer("ts");
        event.occurred_at = ts
            .and_then(|ts| OffsetDateTime::from_unix_timestamp(ts).ok())
            .filter(|at| at.unix_timestamp() > 0 && *at <= now + AHEAD);
        event.digest = digest(&event, top, ts, raw, simulated);
        event.bound();
        event.search = event.words();
        raw.clone_into(&mut event.payload);
        Ok(event)
    }

    fn empty(kind: String) -> Self {
        Self {
            digest: [0; 16],
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
            search: String::new(),
            payload: String::new(),
        }
    }

    /// Cuts texts to what columns and indexes take.
    fn bound(&mut self) {
        for key in [&mut self.recipient, &mut self.sender, &mut self.template, &mut self.subaccount, &mut self.ip] {
            cut(key, LONGEST_KEY);
        }
        for text in
            [&mut self.subject, &mut self.url, &mut self.user_agent, &mut self.country, &mut self.city, &mut self.diagnostic]
        {
            cut(text, LONGEST_TEXT);
        }
        self.tags.truncate(MOST_TAGS);
        for tag in &mut self.tags {
            tag.truncate(tag.floor_char_boundary(LONGEST_KEY));
        }
        self.metadata = self.metadata.take().filter(|metadata| metadata.len() <= LONGEST_TEXT);
    }

    /// What free text finds: addresses, subject, tags, and the values of the metadata.
    fn words(&self) -> String {
        let metadata = self.metadata.as_deref().and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
        let values = metadata.iter().filter_map(|metadata| metadata.as_object()).flat_map(|object| object.values());
        let values = values.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let texts = [&self.recipient, &self.sender, &self.subject].into_iter().flatten().cloned();
        let mut words = fold(&texts.chain(self.tags.iter().cloned()).chain(values).collect::<Vec<_>>().join(" "));
        words.truncate(words.floor_char_boundary(LONGEST_TEXT));
        words
    }

    /// What people are told of an open: a title and a body.
    pub fn notification(&self) -> Option<(String, String)> {
        if self.kind != "open" {
            return None;
        }
        let who = self.recipient.as_deref().unwrap_or("Somebody");
        let what = self.subject.as_deref().filter(|subject| !subject.is_empty());
        let title = what.map_or_else(|| format!("{who} opened a message"), |subject| format!("{who} opened “{subject}”"));
        let place = [self.city.as_deref(), self.country.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(", ");
        Some((title, place))
    }
}

fn cut(text: &mut Option<String>, longest: usize) {
    if let Some(text) = text {
        text.truncate(text.floor_char_boundary(longest));
    }
}

/// `{"event":…,"ts":…,"_id":…,"msg":{…}}`: what became of a message sent.
fn message(top: &Object<'_>, kind: String) -> NewEvent {
    let msg = top.object("msg");
    let location = top.object("location");
    let last_reply = msg.objects("smtp_events").last().and_then(|reply| reply.text("diag"));
    NewEvent {
        message_id: top.text("_id").or_else(|| msg.text("_id")).filter(|id| !id.is_empty()),
        recipient: msg.text("email"),
        sender: msg.text("sender"),
        subject: msg.text("subject"),
        tags: msg.texts("tags"),
        metadata: msg.json_object("metadata"),
        template: msg.text("template"),
        subaccount: msg.text("subaccount"),
        url: top.text("url"),
        ip: top.text("ip"),
        user_agent: top.text("user_agent"),
        country: location.text("country").or_else(|| location.text("country_long")).or_else(|| location.text("country_short")),
        city: location.text("city"),
        diagnostic: [msg.text("diag"), top.text("diag"), msg.text("bounce_description"), msg.text("reject"), last_reply]
            .into_iter()
            .flatten()
            .find(|text| !text.is_empty()),
        ..NewEvent::empty(kind)
    }
}

/// `{"type":…,"action":…,"reject"|"entry":{…},"ts":…}`: a change of the deny- or allowlist. The old words stand for the new.
fn sync(top: &Object<'_>, family: &str) -> NewEvent {
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
        ..NewEvent::empty(kind)
    }
}

/// `{"event":"inbound","ts":…,"msg":{…}}`: mail received. The id is the mail's own Message-Id.
fn inbound(top: &Object<'_>) -> NewEvent {
    let msg = top.object("msg");
    NewEvent {
        message_id: msg.object("headers").text("Message-Id").filter(|id| !id.is_empty()),
        recipient: msg.text("email"),
        sender: msg.text("from_email"),
        subject: msg.text("subject"),
        tags: msg.texts("tags"),
        ..NewEvent::empty("inbound".to_owned())
    }
}

/// Over what identifies the event for the provider, each part with its length in front so that parts cannot run together.
/// `msg` is left out: it is a snapshot that differs between deliveries. Without an identity it is over the element itself.
fn digest(event: &NewEvent, top: &Object<'_>, ts: Option<i64>, raw: &str, simulated: bool) -> [u8; 16] {
    let is_sync = top.text("event").is_none_or(|kind| kind.is_empty());
    let identity = match (is_sync, ts) {
        (true, Some(ts)) if event.recipient.is_some() => {
            Some(vec!["sync".into(), event.kind.clone(), text(&event.recipient), text(&event.subaccount), ts.to_string()])
        }
        (false, Some(ts)) if event.message_id.is_some() => {
            let family = if event.kind == "inbound" { "inbound" } else { "message" };
            // One mail may arrive for several of our addresses.
            let at = if event.kind == "inbound" { text(&event.recipient) } else { text(&event.url) };
            let by = [text(&event.ip), text(&event.user_agent)];
            let [ip, user_agent] = by;
            Some(vec![family.into(), event.kind.clone(), text(&event.message_id), ts.to_string(), at, ip, user_agent])
        }
        _ => None,
    };
    let mut hash = Sha256::new();
    hash.update([u8::from(simulated), u8::from(identity.is_some())]);
    for part in identity.unwrap_or_else(|| vec![raw.to_owned()]) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.finalize()[..16]);
    digest
}

fn text(value: &Option<String>) -> String {
    value.clone().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn read(element: &Value) -> NewEvent {
        NewEvent::read(&element.to_string(), false, NOW).expect("an event")
    }

    fn open() -> Value {
        json!({"event": "open", "ts": 1_700_000_000, "_id": "m1", "ip": "198.51.100.7", "user_agent": "UA", "msg": {"email": "a@example.com"}})
    }

    /// The element with one field changed.
    fn with(name: &str, value: Value) -> Value {
        let mut element = open();
        element[name] = value;
        element
    }

    #[test]
    fn the_digest_tells_events_apart_and_knows_them_again() {
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
        let simulated = NewEvent::read(&open().to_string(), true, NOW).expect("an event");
        assert_ne!(simulated.digest, digest);
        // Parts do not run together.
        let (mut one, mut two) = (open(), open());
        (one["url"], one["ip"]) = (json!("ab"), json!("c"));
        (two["url"], two["ip"]) = (json!("a"), json!("bc"));
        assert_ne!(read(&one).digest, read(&two).digest);
    }

    #[test]
    fn without_identity_the_bytes_tell() {
        let anonymous = |email: &str| json!({"event": "open", "ts": 1_700_000_000, "msg": {"email": email}});
        assert_eq!(read(&anonymous("a@example.com")).digest, read(&anonymous("a@example.com")).digest);
        assert_ne!(read(&anonymous("a@example.com")).digest, read(&anonymous("b@example.com")).digest);
    }

    #[test]
    fn which_event_it_is_does_not_depend_on_the_clock() {
        let element = json!({"event": "open", "_id": "m1", "ts": NOW.unix_timestamp() + 2 * 86_400}).to_string();
        let early = NewEvent::read(&element, false, NOW).expect("an event");
        let later = NewEvent::read(&element, false, NOW + Duration::days(3)).expect("an event");
        assert_eq!(early.occurred_at, None, "more than a day ahead");
        assert!(later.occurred_at.is_some());
        assert_eq!(early.digest, later.digest);
    }

    #[test]
    fn every_family_is_read_leniently() {
        let sync = read(
            &json!({"type": "allowlist", "action": "add", "ts": 1, "entry": {"email": "a@example.com", "detail": "by hand"}}),
        );
        assert_eq!(
            (sync.kind.as_str(), sync.recipient.as_deref(), sync.diagnostic.as_deref()),
            ("whitelist_add", Some("a@example.com"), Some("by hand"))
        );
        let inbound = read(
            &json!({"event": "inbound", "ts": 1, "msg": {"headers": {"Message-Id": "<1@x>"}, "from_email": "f@example.org", "email": "in@example.com"}}),
        );
        assert_eq!(
            (inbound.kind.as_str(), inbound.message_id.as_deref(), inbound.sender.as_deref()),
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
        assert_eq!(placed.notification(), Some(("a@example.com opened a message".to_owned(), "Madrid, Spain".to_owned())));
    }

    #[test]
    fn what_does_not_fit_a_column_is_cut_and_never_the_payload() {
        let long = "é".repeat(20_000);
        let element = with("msg", json!({"email": long, "subject": long, "tags": vec![long.clone(); 200]}));
        let event = read(&element);
        assert_eq!(event.recipient.map(|text| text.len()), Some(LONGEST_KEY));
        assert_eq!(event.subject.map(|text| text.len()), Some(LONGEST_TEXT));
        assert_eq!((event.tags.len(), event.tags[0].len()), (MOST_TAGS, LONGEST_KEY));
        assert!(event.search.len() <= LONGEST_TEXT);
        assert_eq!(event.payload, element.to_string());
    }
}
