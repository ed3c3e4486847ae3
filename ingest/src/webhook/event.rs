//! One element of a delivery as an event: each field taken leniently, and what tells it from any other.
//!
//! Mandrill's payloads vary (fields absent, null, of another type, `[]` for an empty object), and new kinds appear without
//! notice. So nothing here is a strict model: an element becomes an event as soon as it says what kind it is, a field that
//! cannot be read costs that field alone, and the element itself is kept byte for byte.

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use shared::event::{SUBJECT, fold_into};
use time::{Duration, OffsetDateTime};

use crate::notify::rules::Telling;
use crate::store::search_terms as terms;
use crate::webhook::json::{Element, JsonObject};

/// Mandrill's words for what becomes of a message, for mail received, and for changes of the lists. Others are stored as they come.
const KNOWN_KINDS: [&str; 25] = [
    "send",
    "deferral",
    "hard_bounce",
    "soft_bounce",
    "delivered",
    "open",
    "click",
    "spam",
    "unsub",
    "reject",
    "inbound",
    "blacklist_add",
    "blacklist_change",
    "blacklist_remove",
    "whitelist_add",
    "whitelist_remove",
    "sms_processing",
    "sms_queued",
    "sms_sent",
    "sms_delivered",
    "sms_canceled",
    "sms_failed",
    "sms_open",
    "sms_click",
    "sms_unsub",
];
/// Longest id that is stored; Mandrill's have 32 characters, tests have sent mangled ones.
const LONGEST_ID: usize = 512;
/// Longest kind.
const LONGEST_KIND: usize = 64;
/// Longest text of an indexed column, in bytes: what an index of Postgres takes, with room to spare.
const LONGEST_KEY: usize = 1024;
/// Longest text of any other column, in bytes; the payload has the rest.
const LONGEST_TEXT: usize = 8 << 10;
/// Most tags that are stored; together no longer than a text.
const MOST_TAGS: usize = 100;
/// Bytes of words of usual length.
const USUAL_WORDS: usize = 256;
/// Events further ahead than this have a clock that is off.
const AHEAD: Duration = Duration::DAY;

/// A text borrowed from the delivery, or made from it.
pub type Text<'a> = Cow<'a, str>;

/// An event as it will be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent<'a> {
    /// Identifies the event over deliveries: 16 bytes of SHA-256.
    pub digest: [u8; 16],
    /// Mandrill's own word.
    pub kind: Text<'a>,
    /// By Mandrill's clock; none when it gives no usable time.
    pub occurred_at: Option<OffsetDateTime>,
    /// The message's id at Mandrill.
    pub message_id: Option<Text<'a>>,
    /// The address written to, or listed.
    pub recipient: Option<Text<'a>>,
    /// The address written from.
    pub sender: Option<Text<'a>>,
    /// Of the message.
    pub subject: Option<Text<'a>>,
    /// Of the message.
    pub tags: Vec<Text<'a>>,
    /// Of the message.
    pub metadata: Option<JsonObject<'a>>,
    /// The message's template.
    pub template: Option<Text<'a>>,
    /// The message's subaccount.
    pub subaccount: Option<Text<'a>>,
    /// The link clicked.
    pub url: Option<Text<'a>>,
    /// Where an open or click came from.
    pub ip: Option<Text<'a>>,
    /// By what an open or click was made.
    pub user_agent: Option<Text<'a>>,
    /// Where that is.
    pub country: Option<Text<'a>>,
    /// Where that is.
    pub city: Option<Text<'a>>,
    /// SMTP reply or bounce text.
    pub diagnostic: Option<Text<'a>>,
    /// Folded words for free text.
    pub search: String,
    /// The element as received.
    pub payload: &'a str,
    /// What people are told of it; nothing until rules were asked.
    pub telling: Option<Telling>,
}

/// Why an element is poison: a code and a sentence.
pub type Reason = (&'static str, &'static str);

impl<'a> NewEvent<'a> {
    /// Reads an element's text.
    ///
    /// # Errors
    /// When it cannot be an event; why.
    pub fn read(raw: &'a str, simulated: bool, now: OffsetDateTime) -> Result<Self, Reason> {
        let element = Element::of(raw).ok_or(("not_an_object", "The element is no JSON object."))?;
        Self::of(&element, raw, simulated, now)
    }

    /// The same of an element whose fields are known.
    ///
    /// # Errors
    /// As [`NewEvent::read`].
    pub fn of(element: &Element<'a>, raw: &'a str, simulated: bool, now: OffsetDateTime) -> Result<Self, Reason> {
        let top = &element.top;
        let mut event = match (top.text("event"), top.text("type")) {
            (Some(kind), _) if kind == "inbound" => inbound(element),
            (Some(kind), _) if !kind.is_empty() => message(element, kind),
            (_, Some(family)) if !family.is_empty() => sync(element, &family),
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
        event.digest = digest(&event, element, ts, raw, simulated);
        event.bound();
        event.search = event.words();
        event.payload = raw;
        Ok(event)
    }

    fn empty(kind: Text<'a>) -> Self {
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
            payload: "",
            telling: None,
        }
    }

    /// Cuts texts to what columns and indexes take.
    fn bound(&mut self) {
        let keys = [&mut self.recipient, &mut self.sender, &mut self.template, &mut self.subaccount, &mut self.ip];
        for key in keys.into_iter().flatten() {
            cut(key, LONGEST_KEY);
        }
        let texts =
            [&mut self.subject, &mut self.url, &mut self.user_agent, &mut self.country, &mut self.city, &mut self.diagnostic];
        for text in texts.into_iter().flatten() {
            cut(text, LONGEST_TEXT);
        }
        self.tags.truncate(MOST_TAGS);
        let mut room = LONGEST_TEXT;
        self.tags.retain_mut(|tag| {
            let fits = room > 0;
            cut(tag, LONGEST_KEY.min(room));
            room -= tag.len();
            fits
        });
        self.metadata = self.metadata.take().filter(|metadata| metadata.text().len() <= LONGEST_TEXT);
    }

    /// What free text finds: addresses, subject, tags, and the values of the metadata; all of it, since what is not in here is not found by
    /// its tag or metadata either. Its parts are bounded, and so is it.
    fn words(&self) -> String {
        let mut words = String::with_capacity(USUAL_WORDS);
        for text in [&self.recipient, &self.sender].into_iter().flatten() {
            fold_into(&mut words, text);
        }
        if let Some(subject) = &self.subject {
            words.push(SUBJECT.0);
            fold_into(&mut words, subject);
            words.push(SUBJECT.1);
        }
        for text in self.tags.iter().chain(self.metadata.iter().flat_map(|metadata| &metadata.values)) {
            fold_into(&mut words, text);
        }
        words
    }

    /// What it is found by, each once.
    pub(crate) fn terms(&self) -> Vec<i32> {
        let mut found_by = Vec::with_capacity(USUAL_WORDS / 2);
        terms::grams(&self.search, &mut found_by);
        let values = [("template", &self.template), ("subaccount", &self.subaccount), ("url", &self.url), ("ip", &self.ip)];
        found_by.extend(values.into_iter().filter_map(|(field, value)| Some(terms::value(field, value.as_ref()?))));
        found_by.sort_unstable();
        found_by.dedup();
        found_by
    }
}

/// A kind as a label of metrics, whose number must stay small.
pub fn known_kind(kind: &str) -> &'static str {
    KNOWN_KINDS.into_iter().find(|known| *known == kind).unwrap_or("other")
}

fn cut(text: &mut Text<'_>, longest: usize) {
    let end = text.floor_char_boundary(longest);
    match text {
        Cow::Borrowed(whole) => *whole = &whole[..end],
        Cow::Owned(whole) => whole.truncate(end),
    }
}

/// `{"event":…,"ts":…,"_id":…,"msg":{…}}`: what became of a message sent.
fn message<'a>(Element { top, msg }: &Element<'a>, kind: Text<'a>) -> NewEvent<'a> {
    let location = top.object("location");
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
        diagnostic: [msg.text("diag"), top.text("diag"), msg.text("bounce_description"), msg.text("reject")]
            .into_iter()
            .flatten()
            .find(|text| !text.is_empty())
            .or_else(|| msg.last_object("smtp_events").text("diag").filter(|text| !text.is_empty())),
        ..NewEvent::empty(kind)
    }
}

/// `{"type":…,"action":…,"reject"|"entry":{…},"ts":…}`: a change of the deny- or allowlist. The old words stand for the new.
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
        ..NewEvent::empty(kind.into())
    }
}

/// `{"event":"inbound","ts":…,"msg":{…}}`: mail received. The id is the mail's own Message-Id.
fn inbound<'a>(Element { msg, .. }: &Element<'a>) -> NewEvent<'a> {
    let headers = msg.object("headers");
    let id = ["Message-Id", "Message-ID", "message-id"].into_iter().find_map(|name| headers.text(name));
    NewEvent {
        message_id: id.filter(|id| !id.is_empty()),
        recipient: msg.text("email"),
        sender: msg.text("from_email"),
        subject: msg.text("subject"),
        tags: msg.texts("tags"),
        ..NewEvent::empty("inbound".into())
    }
}

/// Over what identifies the event for the provider, each part with its length in front so that parts cannot run together.
/// Of `msg`, a snapshot that differs between deliveries, only what never changes may stand in for an id that is missing.
/// Without an identity it is over the element itself.
fn digest(event: &NewEvent<'_>, element: &Element<'_>, ts: Option<i64>, raw: &str, simulated: bool) -> [u8; 16] {
    let (kind, recipient) = (&*event.kind, or_empty(&event.recipient));
    let (id, url) = (or_empty(&event.message_id), or_empty(&event.url));
    let (ip, user_agent) = (or_empty(&event.ip), or_empty(&event.user_agent));
    let is_sync = element.top.text("event").is_none_or(|kind| kind.is_empty());
    let whole_mail = if kind == "inbound" && id.is_empty() { element.msg.text("raw_msg") } else { None };
    let at = ts.map(|ts| ts.to_string());
    let identity: &[&str] = match &at {
        Some(ts) if is_sync && !recipient.is_empty() => &["sync", kind, recipient, or_empty(&event.subaccount), ts],
        Some(_) if is_sync => &[],
        // One mail may arrive for several of our addresses.
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
    use super::*;
    use serde_json::{Value, json};
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    /// The element's text outlives the test, so that events can be compared freely.
    fn read(element: &Value) -> NewEvent<'static> {
        NewEvent::read(element.to_string().leak(), false, NOW).expect("an event")
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
        let text = open().to_string();
        assert_ne!(NewEvent::read(&text, true, NOW).expect("an event").digest, digest);
        // Parts do not run together.
        let (mut one, mut two) = (open(), open());
        (one["url"], one["ip"]) = (json!("ab"), json!("c"));
        (two["url"], two["ip"]) = (json!("a"), json!("bc"));
        assert_ne!(read(&one).digest, read(&two).digest);
    }

    #[test]
    fn without_an_id_what_never_changes_tells_and_then_the_bytes() {
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
    fn what_does_not_fit_a_column_is_cut_and_never_the_payload() {
        let long = "é".repeat(20_000);
        let element = with("msg", json!({"email": long, "subject": long, "tags": vec![long.clone(); 200]}));
        let event = read(&element);
        assert_eq!(event.recipient.map(|text| text.len()), Some(LONGEST_KEY));
        assert_eq!(event.subject.map(|text| text.len()), Some(LONGEST_TEXT));
        assert_eq!((event.tags.len(), event.tags[0].len()), (LONGEST_TEXT / LONGEST_KEY, LONGEST_KEY));
        let short = read(&with("msg", json!({"tags": vec!["t"; 200]})));
        assert_eq!(short.tags.len(), MOST_TAGS);
        assert!(event.search.ends_with("é") && event.search.len() <= 4 * LONGEST_TEXT, "{}", event.search.len());
        assert_eq!(event.payload, element.to_string());
    }
}
