//! Sample batches with every event type. All data is made up.

use serde_json::{Value, json};
use time::OffsetDateTime;

/// Recipient, subject and tag of the sample messages.
const MESSAGES: [(&str, &str, &str); 6] = [
    ("ada@example.com", "Your invoice 4711", "billing"),
    ("bo@example.org", "Welcome aboard", "welcome"),
    ("cy@example.net", "Reset your password", "security"),
    ("dana@example.com", "Your parcel is on its way", "shipping"),
    ("eli@example.org", "News of November", "newsletter"),
    ("fay@example.net", "Your appointment tomorrow", "reminder"),
];

/// Builds the batches of one round.
pub(crate) struct Samples {
    /// Random, so that every round has new ids and no event is a duplicate.
    run: u64,
    round: u32,
    /// Current time as a Unix timestamp.
    ts: i64,
}

impl Samples {
    /// # Errors
    /// If the system's random number generator fails.
    pub(crate) fn new(now: OffsetDateTime, round: u32) -> anyhow::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| anyhow::anyhow!("the system's random number generator failed"))?;
        Ok(Self { run: u64::from_be_bytes(random), round, ts: now.unix_timestamp() })
    }

    /// One batch of list changes, one of inbound mail and one of message events, each with its name.
    pub(crate) fn batches(&self) -> [(&'static str, Value); 3] {
        [("sync", self.list_changes()), ("inbound", self.inbound()), ("messages", self.message_events())]
    }

    fn message_events(&self) -> Value {
        json!([
            self.event("send", 0, 590, json!({})),
            self.event("delivered", 0, 585, json!({"diag": "250 2.0.0 OK"})),
            self.event("send", 1, 580, json!({})),
            self.event("deferral", 1, 560, self.deferral(560)),
            self.event("delivered", 1, 300, json!({"diag": "250 2.0.0 OK"})),
            self.event("send", 2, 280, json!({})),
            self.event("hard_bounce", 2, 270, bounce("bad_mailbox", "smtp;550 5.1.1 Mailbox does not exist")),
            self.event("soft_bounce", 3, 260, bounce("mailbox_full", "smtp;552 5.2.2 Over quota")),
            self.event("send", 4, 200, json!({})),
            self.event("delivered", 4, 190, json!({"diag": "250 2.0.0 OK"})),
            self.event("spam", 4, 100, json!({})),
            self.event("unsub", 5, 90, json!({})),
            self.event("reject", 3, 80, json!({"msg": {"state": "rejected", "reject": "hard-bounce"}})),
            self.event("open", 0, 20, client()),
            self.event("open", 1, 10, client()),
            self.event("click", 0, 5, click()),
        ])
    }

    fn list_changes(&self) -> Value {
        let suffix = self.run >> 40;
        json!([
            {"type": "blacklist", "action": "add", "ts": self.ts - 60,
             "reject": {"reason": "hard-bounce", "email": format!("gone-{suffix:06x}@example.net"),
                        "detail": "550 5.1.1 Mailbox does not exist", "created_at": "2026-11-24 00:00:00", "expired": false,
                        "subaccount": null, "sender": null}},
            {"type": "whitelist", "action": "add", "ts": self.ts - 50,
             "entry": {"email": format!("friend-{suffix:06x}@example.com"), "detail": "added by hand"}},
        ])
    }

    fn inbound(&self) -> Value {
        json!([
            {"event": "inbound", "ts": self.ts - 40, "msg": {
                "raw_msg": "Subject: A question\r\n\r\nIs it in stock?", "text": "Is it in stock?",
                "headers": {"Message-Id": format!("<{}@mail.example.org>", self.id(2)), "Received": ["from a", "from b"]},
                "from_email": "gus@example.org", "from_name": "Gus", "to": [["help@in.example.com", null]],
                "email": "help@in.example.com", "subject": "A question", "tags": [],
                "spam_report": {"score": 0.1, "matched_rules": []}, "dkim": {"signed": true, "valid": true},
                "spf": {"result": "pass"}}},
        ])
    }

    /// An event of the message at `index`, `age` seconds ago. `fields` are merged over the defaults.
    fn event(&self, kind: &str, index: usize, age: i64, fields: Value) -> Value {
        let mut event = json!({"event": kind, "ts": self.ts - age, "_id": self.id(index), "msg": self.message(index)});
        merge(&mut event, fields);
        event
    }

    fn message(&self, index: usize) -> Value {
        let (email, subject, tag) = MESSAGES[index % MESSAGES.len()];
        json!({
            "_id": self.id(index), "ts": self.ts - 600, "email": email, "sender": "hello@shop.example.com", "subject": subject,
            "state": "sent", "tags": [tag], "metadata": {"customer": 1000 + index, "plan": "gold"}, "template": tag,
            "subaccount": null, "opens": [], "clicks": [], "smtp_events": [], "resends": [], "_version": "1"
        })
    }

    fn deferral(&self, age: i64) -> Value {
        let diag = "451 4.3.0 Mailbox busy, try again later";
        json!({"msg": {"state": "deferred", "smtp_events": [{"ts": self.ts - age, "type": "deferred", "diag": diag, "size": 0}]}})
    }

    fn id(&self, index: usize) -> String {
        format!("{:016x}{:016x}", self.run, u64::from(self.round) << 32 | index as u64)
    }
}

fn bounce(description: &str, diag: &str) -> Value {
    json!({"msg": {"state": "bounced", "bounce_description": description, "diag": diag, "bgtools_code": 10}})
}

/// The client data for an open or click.
fn client() -> Value {
    json!({
        "ip": "198.51.100.7",
        "user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15",
        "user_agent_parsed": {"type": "Email Client", "ua_family": "Apple Mail", "os_family": "OS X", "mobile": false},
        "location": {"country_short": "ES", "country": "Spain", "region": "Madrid", "city": "Madrid",
                     "latitude": 40.4, "longitude": -3.7, "postal_code": "28001", "timezone": "+01:00"}
    })
}

fn click() -> Value {
    let mut fields = client();
    merge(&mut fields, json!({"url": "https://shop.example.com/orders/4711"}));
    fields
}

/// Merges the fields of `more` into `base`, recursively for objects.
fn merge(base: &mut Value, more: Value) {
    match (base, more) {
        (Value::Object(base), Value::Object(more)) => {
            for (name, value) in more {
                merge(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (base, more) => *base = more,
    }
}
