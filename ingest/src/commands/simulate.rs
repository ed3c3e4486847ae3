//! `ingest simulate`: signed batches of every kind, posted as Mandrill posts them. Everything in them is made up.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};
use shared::config::Log;
use time::OffsetDateTime;

use crate::webhook::signature::{self, Keys, Urls};

/// Settings of `ingest simulate`.
#[derive(Debug, Args)]
pub struct Simulate {
    /// Address to post to. Default: the first of WEBHOOK_URLS, which is the signed address in any case.
    #[arg(long)]
    pub to: Option<String>,
    /// Number of rounds; each posts all batches.
    #[arg(long, default_value_t = 1)]
    pub rounds: u32,
    /// Keys of the webhook. The first one signs.
    #[arg(long, env = "WEBHOOK_KEYS", hide_env_values = true)]
    pub webhook_keys: Keys,
    /// Public addresses of the webhook. The first one is signed.
    #[arg(long, env = "WEBHOOK_URLS")]
    pub webhook_urls: Urls,
    #[command(flatten)]
    pub log: Log,
}

/// A made-up person, a subject and a tag.
const LETTERS: [(&str, &str, &str); 6] = [
    ("ada@example.com", "Your invoice 4711", "billing"),
    ("bo@example.org", "Welcome aboard", "welcome"),
    ("cy@example.net", "Reset your password", "security"),
    ("dana@example.com", "Your parcel is on its way", "shipping"),
    ("eli@example.org", "News of November", "newsletter"),
    ("fay@example.net", "Your appointment tomorrow", "reminder"),
];

/// Posts the batches, and says what became of each.
///
/// # Errors
/// When no key or address is given, or a batch is not accepted.
pub async fn run(config: &Simulate) -> anyhow::Result<()> {
    let key = config.webhook_keys.first().context("WEBHOOK_KEYS names no key to sign with")?;
    let url = config.webhook_urls.first().context("WEBHOOK_URLS names no address to sign for")?;
    let to = config.to.as_deref().unwrap_or(url);
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
    for round in 0..config.rounds {
        for (name, batch) in batches(OffsetDateTime::now_utc(), round)? {
            let value = batch.to_string();
            let signature = signature::sign(key, url, value.as_bytes());
            let form = form_urlencoded::Serializer::new(String::new()).append_pair("mandrill_events", &value).finish();
            let request = client
                .post(to)
                .header("content-type", "application/x-www-form-urlencoded")
                .header("user-agent", "Mandrill-Webhook/1.0")
                .header("x-mandrill-signature", signature)
                .body(form);
            let response = request.send().await.with_context(|| format!("nobody answers at {to}; is the stack up?"))?;
            let (status, body) = (response.status(), response.text().await.unwrap_or_default());
            if !status.is_success() {
                bail!("the {name} batch was refused with {status}: {body}");
            }
            writeln!(std::io::stdout(), "{name:<9} {body}")?;
        }
    }
    Ok(())
}

/// One batch of each family. Ids differ from round to round, so that every event is new.
fn batches(now: OffsetDateTime, round: u32) -> anyhow::Result<[(&'static str, Value); 3]> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|_| anyhow::anyhow!("the system has no randomness to give"))?;
    let run = u64::from_be_bytes(random);
    let ts = now.unix_timestamp();
    let id = |place: usize| format!("{run:016x}{:016x}", u64::from(round) << 32 | place as u64);
    let letter = |place: usize| {
        let (email, subject, tag) = LETTERS[place % LETTERS.len()];
        json!({
            "_id": id(place), "ts": ts - 600, "email": email, "sender": "hello@shop.example.com", "subject": subject,
            "state": "sent", "tags": [tag], "metadata": {"customer": 1000 + place, "plan": "gold"}, "template": tag,
            "subaccount": null, "opens": [], "clicks": [], "smtp_events": [], "resends": [], "_version": "1"
        })
    };
    let event = |kind: &str, place: usize, ago: i64, more: Value| {
        let mut event = json!({"event": kind, "ts": ts - ago, "_id": id(place), "msg": letter(place)});
        merge(&mut event, more);
        event
    };
    let seen = || {
        json!({
            "ip": "198.51.100.7",
            "user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15",
            "user_agent_parsed": {"type": "Email Client", "ua_family": "Apple Mail", "os_family": "OS X", "mobile": false},
            "location": {"country_short": "ES", "country": "Spain", "region": "Madrid", "city": "Madrid",
                         "latitude": 40.4, "longitude": -3.7, "postal_code": "28001", "timezone": "+01:00"}
        })
    };
    let click = {
        let mut more = seen();
        merge(&mut more, json!({"url": "https://shop.example.com/orders/4711"}));
        more
    };
    let bounce = |code: &str, diag: &str| json!({"msg": {"state": "bounced", "bounce_description": code, "diag": diag, "bgtools_code": 10}});
    let messages = json!([
        event("send", 0, 590, json!({})),
        event("delivered", 0, 585, json!({"diag": "250 2.0.0 OK"})),
        event("send", 1, 580, json!({})),
        event(
            "deferral",
            1,
            560,
            json!({"msg": {"state": "deferred", "smtp_events": [
            {"ts": ts - 560, "type": "deferred", "diag": "451 4.3.0 Mailbox busy, try again later", "size": 0}]}})
        ),
        event("delivered", 1, 300, json!({"diag": "250 2.0.0 OK"})),
        event("send", 2, 280, json!({})),
        event("hard_bounce", 2, 270, bounce("bad_mailbox", "smtp;550 5.1.1 Mailbox does not exist")),
        event("soft_bounce", 3, 260, bounce("mailbox_full", "smtp;552 5.2.2 Over quota")),
        event("send", 4, 200, json!({})),
        event("delivered", 4, 190, json!({"diag": "250 2.0.0 OK"})),
        event("spam", 4, 100, json!({})),
        event("unsub", 5, 90, json!({})),
        event("reject", 3, 80, json!({"msg": {"state": "rejected", "reject": "hard-bounce"}})),
        event("open", 0, 20, seen()),
        event("open", 1, 10, seen()),
        event("click", 0, 5, click),
    ]);
    let sync = json!([
        {"type": "blacklist", "action": "add", "ts": ts - 60, "reject": {"reason": "hard-bounce", "email": format!("gone-{:06x}@example.net", run >> 40),
         "detail": "550 5.1.1 Mailbox does not exist", "created_at": "2026-11-24 00:00:00", "expired": false, "subaccount": null, "sender": null}},
        {"type": "whitelist", "action": "add", "ts": ts - 50, "entry": {"email": format!("friend-{:06x}@example.com", run >> 40), "detail": "added by hand"}},
    ]);
    let inbound = json!([
        {"event": "inbound", "ts": ts - 40, "msg": {"raw_msg": "Subject: A question\r\n\r\nIs it in stock?", "text": "Is it in stock?",
         "headers": {"Message-Id": format!("<{}@mail.example.org>", id(2)), "Received": ["from a", "from b"]}, "from_email": "gus@example.org",
         "from_name": "Gus", "to": [["help@in.example.com", null]], "email": "help@in.example.com", "subject": "A question",
         "tags": [], "spam_report": {"score": 0.1, "matched_rules": []}, "dkim": {"signed": true, "valid": true}, "spf": {"result": "pass"}}},
    ]);
    Ok([("sync", sync), ("inbound", inbound), ("messages", messages)])
}

/// Lays the fields of `more` over `base`, objects within objects too.
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
