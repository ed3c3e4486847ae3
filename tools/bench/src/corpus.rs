//! Mandrill-like deliveries with unique events and signed bodies, built before the clock starts.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use std::time::SystemTime;

/// How many events happen in a second.
const EVENTS_PER_SECOND: u64 = 1_000;

/// One `POST /webhook/`.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub form: Bytes,
    /// The `X-Mandrill-Signature` header.
    pub signature: String,
    /// Number of events in the batch.
    pub events: usize,
}

/// Builds bodies in which no event is ever repeated.
#[derive(Debug)]
pub(crate) struct Corpus {
    key: String,
    url: String,
    next: u64,
    /// When the first event happens, in Unix seconds. By default yesterday, because Mandrill reports events soon after they happen.
    starts_at: u64,
}

impl Corpus {
    /// Creates a corpus whose bodies are signed with `key` for `url`.
    pub(crate) fn new(key: &str, url: &str) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { key: key.to_owned(), url: url.to_owned(), next: 0, starts_at: now - 86_400 }
    }

    /// Builds `count` bodies with `events` events each.
    pub(crate) fn bodies(&mut self, count: usize, events: usize) -> Vec<Body> {
        (0..count).map(|_| self.body(events)).collect()
    }

    /// Lets the next event happen at this time, in Unix seconds.
    pub(crate) fn set_clock(&mut self, seconds: u64) {
        self.starts_at = seconds - self.next / EVENTS_PER_SECOND;
    }

    fn happens_at(&self) -> u64 {
        self.starts_at + self.next / EVENTS_PER_SECOND
    }

    fn body(&mut self, events: usize) -> Body {
        let elements: Vec<Value> = (0..events)
            .map(|_| {
                self.next += 1;
                event(self.next, self.happens_at())
            })
            .collect();
        self.signed(&php_json(&Value::from(elements)), events)
    }

    /// Builds `count` bodies with one open each, together with their message ids.
    pub(crate) fn opens(&mut self, count: usize) -> Vec<(String, Body)> {
        let open = |_| {
            // Every event whose number is a multiple of ten is an open.
            self.next = (self.next / 10 + 1) * 10;
            let event = event(self.next, self.happens_at());
            let id = event["_id"].as_str().unwrap_or_default().to_owned();
            (id, self.signed(&php_json(&Value::from(vec![event])), 1))
        };
        (0..count).map(open).collect()
    }

    /// Builds an inbound email with an attachment of `attachment` bytes of base64.
    pub(crate) fn inbound_mail(&mut self, attachment: usize) -> Body {
        self.next += 1;
        let content = BASE64_STANDARD.encode(self.next.to_be_bytes()).repeat(attachment / 12);
        let mail = json!([{"event": "inbound", "ts": self.starts_at, "msg": {
            "headers": {"Message-Id": format!("<{}@mail.example.org>", self.next)}, "email": "in@example.com",
            "from_email": "gus@example.org", "subject": "With an attachment", "text": "See attached.",
            "attachments": {"a.pdf": {"name": "a.pdf", "type": "application/pdf", "base64": true, "content": content}}}}]);
        self.signed(&php_json(&mail), 1)
    }

    fn signed(&self, value: &str, events: usize) -> Body {
        let form = form_urlencoded::Serializer::new(String::with_capacity(value.len() * 2))
            .append_pair("mandrill_events", value)
            .finish();
        let mut mac = Hmac::<Sha1>::new_from_slice(self.key.as_bytes()).unwrap_or_else(|_| Hmac::new(&Default::default()));
        for part in [self.url.as_str(), "mandrill_events", value] {
            mac.update(part.as_bytes());
        }
        Body { form: form.into(), signature: BASE64_STANDARD.encode(mac.finalize().into_bytes()), events }
    }
}

/// Serializes JSON in the same way as PHP: slashes are escaped and the output is ASCII only.
fn php_json(value: &Value) -> String {
    let mut text = String::new();
    for character in value.to_string().replace('/', "\\/").chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

/// An event of about 1.5 kB. Ten consecutive numbers produce four opens, two clicks, two sends, a delivery and a bounce.
fn event(number: u64, ts: u64) -> Value {
    let id = format!("{:016x}{number:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let (person, shop) = (number % 50_000, number % 7);
    let mut event = json!({
        "event": "send", "ts": ts, "_id": id,
        "msg": {
            "ts": ts - 60, "_id": id, "_version": "Zx81bq07Kc93hQm2Lw5tYg", "email": format!("person{person}@mail{shop}.example.com"),
            "sender": format!("hello@shop{shop}.example.com"), "subject": format!("Your order {number} is on its way – thank you"),
            "state": "sent", "tags": ["orders", format!("shop-{shop}")], "metadata": {"customer": person, "order": number.to_string(), "plan": "gold"},
            "template": format!("shipping-{shop}"), "subaccount": null, "resends": [], "opens": [], "clicks": [],
            "smtp_events": [{"ts": ts - 58, "type": "sent", "diag": "250 2.0.0 OK 1790000000 a1b2c3d4e5f6g7", "source_ip": "203.0.113.7",
                             "destination_ip": "198.51.100.20", "size": 18_432}]
        }
    });
    let seen = json!({
        "ip": format!("198.51.{}.{}", number / 250 % 250, number % 250),
        "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36",
        "user_agent_parsed": {"type": "Browser", "ua_family": "Chrome", "ua_name": "Chrome 148", "ua_version": "148.0.0.0", "ua_url": "https://ua.example.com/chrome",
                              "ua_company": "Example Inc.", "ua_icon": "chrome.png", "os_family": "Windows", "os_name": "Windows 10", "os_icon": "windows.png", "mobile": false},
        "location": {"country_short": "ES", "country": "Spain", "region": "Madrid", "city": "Madrid", "latitude": 40.4165, "longitude": -3.70256,
                     "postal_code": "28001", "timezone": "+01:00"}
    });
    let more = match number % 10 {
        0..4 => json!({"event": "open"}),
        4..6 => json!({"event": "click", "url": format!("https://shop{shop}.example.com/orders/{number}?utm_source=mail")}),
        6..8 => return event,
        8 => {
            event["event"] = json!("delivered");
            event["diag"] = json!("250 2.0.0 OK");
            return event;
        }
        _ => {
            event["event"] = json!("hard_bounce");
            event["msg"]["state"] = json!("bounced");
            event["msg"]["diag"] = json!("smtp;550 5.1.1 The mailbox does not exist");
            event["msg"]["bounce_description"] = json!("bad_mailbox");
            return event;
        }
    };
    for part in [seen, more] {
        if let (Value::Object(event), Value::Object(part)) = (&mut event, part) {
            event.extend(part);
        }
    }
    event
}
