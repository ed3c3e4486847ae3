//! Made-up payloads of every kind, in the orders of fields that are seen.

use crate::json::Json;
use crate::random::Random;
use crate::words::{ACCEPTED, CLIENTS, COUNTRIES, Client, DEFERRED, METADATA, REFUSED, WORDS};

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";

/// `count` payloads, as the provider would write them.
pub(crate) fn payloads(count: usize) -> Vec<String> {
    let mut random = Random(2_026);
    let payload = |_| {
        let event = event(&mut random);
        // The order of fields varies.
        let event = if random.chance(50) { event } else { event.sorted() };
        let mut text = String::new();
        event.write(&mut text);
        text
    };
    (0..count).map(payload).collect()
}

fn event(random: &mut Random) -> Json {
    match random.below(100) {
        0..3 => sync(random),
        3..5 => inbound(random),
        5..22 => message_event(random, "send", "sent"),
        22..38 => message_event(random, "delivered", "sent").with("diag", reply(random, &ACCEPTED)),
        38..65 => with_client(random, "open"),
        65..80 => {
            let url = link(random);
            with_client(random, "click").with("url", url)
        }
        80..86 => bounce(random, "hard_bounce", "bounced"),
        86..90 => bounce(random, "soft_bounce", "soft-bounced"),
        90..95 => message_event(random, "deferral", "deferred"),
        95..97 => message_event(random, "reject", "rejected"),
        97..99 => message_event(random, "spam", "spam"),
        _ => message_event(random, "unsub", "unsub"),
    }
}

fn message_event(random: &mut Random, kind: &str, state: &str) -> Json {
    let id = random.hex(32);
    let ts = time(random);
    let message = message(random, &id, ts, state);
    Json::object([("event", kind.into()), ("ts", ts.into()), ("_id", id.into()), ("msg", message)])
}

fn message(random: &mut Random, id: &str, ts: usize, state: &str) -> Json {
    let smtp = match state {
        "deferred" => smtp_events(random, ts, "deferred", &DEFERRED),
        "rejected" => Json::List(Vec::new()),
        _ => smtp_events(random, ts, "sent", &ACCEPTED),
    };
    let tags: Vec<Json> = (0..random.below(3)).map(|_| name(random).into()).collect();
    let metadata = metadata(random);
    let template = if random.chance(40) { name(random).into() } else { Json::null() };
    let subaccount = if random.chance(25) { word(random).into() } else { Json::null() };
    let (opens, clicks) = if random.chance(20) {
        (opens(random, ts), clicks(random, ts))
    } else {
        (Json::List(Vec::new()), Json::List(Vec::new()))
    };
    let subject = sentence(random);
    let message = Json::object([
        ("ts", (ts - random.below(90_000)).into()),
        ("subject", subject.into()),
        ("email", address(random).into()),
        ("tags", Json::List(tags)),
        ("metadata", metadata),
        ("opens", opens),
        ("clicks", clicks),
        ("state", state.into()),
        ("smtp_events", smtp),
        ("subaccount", subaccount),
        ("resends", Json::List(Vec::new())),
        ("reject", Json::null()),
        ("_id", id.into()),
        ("sender", address(random).into()),
        ("template", template),
    ]);
    let version = random.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", 22);
    message.with("_version", version)
}

fn bounce(random: &mut Random, kind: &str, state: &str) -> Json {
    let (reply, description, code) = *random.pick(&REFUSED);
    let diag = fill(random, reply);
    let id = random.hex(32);
    let ts = time(random);
    let message =
        message(random, &id, ts, state).with("bounce_description", description).with("bgtools_code", code).with("diag", diag);
    Json::object([("event", kind.into()), ("ts", ts.into()), ("_id", id.into()), ("msg", message)])
}

fn with_client(random: &mut Random, kind: &str) -> Json {
    let client = random.pick(&CLIENTS);
    let event = message_event(random, kind, "sent");
    let location = if random.chance(90) { location(random) } else { Json::null() };
    event
        .with("ip", random.ip())
        .with("location", location)
        .with("user_agent", client.agent)
        .with("user_agent_parsed", parsed(client))
}

fn parsed(client: &Client) -> Json {
    const BROWSER: [&str; 8] =
        ["type", "ua_family", "ua_name", "ua_version", "ua_url", "ua_company", "ua_company_url", "ua_icon"];
    const SYSTEM: [&str; 6] = ["os_family", "os_name", "os_url", "os_company", "os_company_url", "os_icon"];
    let browser = BROWSER.iter().zip(client.browser);
    let fields = browser.chain(SYSTEM.iter().zip(client.system)).map(|(name, value)| {
        let value = if value.is_empty() { Json::null() } else { value.into() };
        ((*name).to_owned(), value)
    });
    Json::Object(fields.collect()).with("mobile", client.is_mobile)
}

fn location(random: &mut Random) -> Json {
    let [short, country, zone] = *random.pick(&COUNTRIES);
    let city = capitalized(random);
    Json::object([
        ("country_short", short.into()),
        ("country", country.into()),
        ("region", capitalized(random).into()),
        ("city", city.into()),
        ("latitude", coordinate(random, 70)),
        ("longitude", coordinate(random, 170)),
        ("postal_code", random.text("0123456789", 5).into()),
        ("timezone", zone.into()),
    ])
}

fn coordinate(random: &mut Random, limit: usize) -> Json {
    let sign = if random.chance(40) { "-" } else { "" };
    Json::Plain(format!("{sign}{}.{}", random.below(limit), random.text("123456789", 5)))
}

fn opens(random: &mut Random, ts: usize) -> Json {
    let open = |_| seen(random, ts);
    Json::List((0..2).map(open).collect())
}

fn clicks(random: &mut Random, ts: usize) -> Json {
    let url = link(random);
    Json::List(vec![seen(random, ts).with("url", url)])
}

fn seen(random: &mut Random, ts: usize) -> Json {
    let place = format!("{}, {}", capitalized(random), random.pick(&COUNTRIES)[0]);
    Json::object([
        ("ts", (ts + random.below(4_000)).into()),
        ("ip", random.ip().into()),
        ("location", place.into()),
        ("ua", random.pick(&CLIENTS).short.into()),
    ])
}

fn smtp_events(random: &mut Random, ts: usize, kind: &str, replies: &[&str]) -> Json {
    let step = Json::object([
        ("ts", (ts - random.below(300)).into()),
        ("type", kind.into()),
        ("diag", reply(random, replies).into()),
        ("source_ip", random.ip().into()),
        ("destination_ip", random.ip().into()),
        ("size", (900 + random.below(90_000)).into()),
    ]);
    Json::List(vec![step])
}

fn metadata(random: &mut Random) -> Json {
    let count = random.below(4);
    // PHP writes an object without fields as a list.
    if count == 0 {
        return Json::List(Vec::new());
    }
    let first = random.below(METADATA.len());
    let names = METADATA.iter().cycle().skip(first).take(count);
    let fields = names.map(|name| {
        let value = if random.chance(40) { random.below(10_000_000).into() } else { Json::from(random.hex(10)) };
        ((*name).to_owned(), value)
    });
    Json::Object(fields.collect())
}

fn sync(random: &mut Random) -> Json {
    let ts = time(random);
    let action = *random.pick(&["add", "change", "remove"]);
    if random.chance(20) {
        let entry = Json::object([
            ("email", address(random).into()),
            ("detail", sentence(random).into()),
            ("created_at", moment(random).into()),
        ]);
        return Json::object([("type", "whitelist".into()), ("action", action.into()), ("entry", entry), ("ts", ts.into())]);
    }
    let reject = Json::object([
        ("reason", (*random.pick(&["hard-bounce", "soft-bounce", "spam", "unsub", "custom"])).into()),
        ("detail", fill(random, REFUSED[ts % REFUSED.len()].0).into()),
        ("last_event_at", moment(random).into()),
        ("email", address(random).into()),
        ("created_at", moment(random).into()),
        ("expires_at", moment(random).into()),
        ("expired", false.into()),
        ("subaccount", Json::null()),
        ("sender", Json::null()),
    ]);
    Json::object([("type", "blacklist".into()), ("action", action.into()), ("reject", reject), ("ts", ts.into())])
}

fn inbound(random: &mut Random) -> Json {
    let (from, to, subject) = (address(random), address(random), sentence(random));
    let text = format!("{}\n{}\n", sentence(random), sentence(random));
    let headers = Json::object([
        ("Received", Json::List(vec![format!("from {} by mail by SMTP id {}", host(random), random.hex(12)).into()])),
        ("From", format!("{} <{from}>", capitalized(random)).into()),
        ("To", to.as_str().into()),
        ("Subject", subject.as_str().into()),
        ("Date", moment(random).into()),
        ("Message-Id", format!("<{}@{}>", random.hex(20), host(random)).into()),
        ("Mime-Version", "1.0".into()),
        ("Content-Type", format!("multipart/alternative; boundary=\"{}\"", random.hex(16)).into()),
        ("Dkim-Signature", format!("v=1; a=rsa-sha256; c=relaxed/relaxed; d={}; s={}", host(random), random.hex(6)).into()),
    ]);
    let rule = |name: &str, score: &str, description: &str| {
        Json::object([("name", name.into()), ("score", Json::Plain(score.to_owned())), ("description", description.into())])
    };
    let rules = vec![
        rule("HTML_MESSAGE", "0", "BODY: HTML included in message"),
        rule("DKIM_VALID", "-0.1", "Message has at least one valid DKIM or DK signature"),
        rule("SPF_PASS", "-0", "SPF: sender matches SPF record"),
    ];
    let message = Json::object([
        ("raw_msg", format!("From: {from}\nTo: {to}\nSubject: {subject}\n\n{text}").into()),
        ("headers", headers),
        ("text", text.as_str().into()),
        ("text_flowed", false.into()),
        ("html", format!("<div dir=\"ltr\">{text}</div>\n").into()),
        ("from_email", from.into()),
        ("from_name", capitalized(random).into()),
        ("to", Json::List(vec![Json::List(vec![to.as_str().into(), Json::null()])])),
        ("subject", subject.into()),
        ("spf", Json::object([("result", "pass".into()), ("detail", "sender SPF authorized".into())])),
        ("spam_report", Json::object([("score", Json::Plain("-0.8".to_owned())), ("matched_rules", Json::List(rules))])),
        ("dkim", Json::object([("signed", true.into()), ("valid", true.into())])),
        ("email", to.into()),
        ("tags", Json::List(Vec::new())),
        ("sender", Json::null()),
        ("template", Json::null()),
    ]);
    Json::object([("event", "inbound".into()), ("ts", time(random).into()), ("msg", message)])
}

fn reply(random: &mut Random, replies: &[&str]) -> String {
    let reply = *random.pick(replies);
    fill(random, reply)
}

/// Puts made-up values in place of `#`, `@` and `%`.
fn fill(random: &mut Random, template: &str) -> String {
    let mut text = String::new();
    for sign in template.chars() {
        match sign {
            '#' => text.push_str(&random.hex(14)),
            '@' => text.push_str(&address(random)),
            '%' => text.push_str(&random.below(1_000_000).to_string()),
            _ => text.push(sign),
        }
    }
    text
}

fn time(random: &mut Random) -> usize {
    1_700_000_000 + random.below(200_000_000)
}

fn moment(random: &mut Random) -> String {
    let (day, hour, minute, second) = (1 + random.below(28), random.below(24), random.below(60), random.below(60));
    format!("20{}-{:02}-{day:02} {hour:02}:{minute:02}:{second:02}", 24 + random.below(6), 1 + random.below(12))
}

fn word(random: &mut Random) -> String {
    let length = 4 + random.below(8);
    random.text(LETTERS, length)
}

fn capitalized(random: &mut Random) -> String {
    let (first, rest) = (random.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1), word(random));
    first + &rest
}

fn sentence(random: &mut Random) -> String {
    let words: Vec<String> =
        (0..3 + random.below(5)).map(|_| if random.chance(70) { common(random) } else { word(random) }).collect();
    let text = words.join(" ");
    text[..1].to_uppercase() + &text[1..]
}

fn common(random: &mut Random) -> String {
    (*random.pick(&WORDS)).to_owned()
}

/// The name of a tag or a template.
fn name(random: &mut Random) -> String {
    let separator = *random.pick(&["-", "_"]);
    [common(random), common(random)].join(separator)
}

fn host(random: &mut Random) -> String {
    format!("{}.com", word(random))
}

fn address(random: &mut Random) -> String {
    let common = ["gmail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com"];
    let host = if random.chance(50) { (*random.pick(&common)).to_owned() } else { host(random) };
    format!("{}.{}@{host}", word(random), word(random))
}

fn link(random: &mut Random) -> String {
    let path = format!("https://www.{}/{}/{}", host(random), common(random), random.hex(8));
    if random.chance(60) { format!("{path}?utm_source=newsletter&utm_medium=email&utm_campaign={}", name(random)) } else { path }
}
