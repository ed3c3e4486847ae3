//! Users and tokens that see no addresses: no response, frame or file tells one, and no filter finds one out.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill, Rng, Socket};
use reqwest::Method;
use serde_json::{Value, json};
use stack::Stack;

use crate::sse::Stream;

/// Addresses, each with other spellings of its domain.
const ADDRESSES: [&[&str]; 3] = [
    &["ada.lovelace@client.example.com"],
    &["Grace@Client.example.org"],
    &["jürgen@münchen.example", "jürgen@xn--mnchen-3ya.example"],
];

fn each_byte(text: &str, form: impl Fn(u8) -> String) -> String {
    text.bytes().map(form).collect()
}

fn each_character(text: &str, form: impl Fn(char) -> String) -> String {
    text.chars().map(form).collect()
}

/// An address in the encodings in which mail, links and servers' replies write it, except base64.
fn encodings(address: &str) -> Vec<String> {
    let percent = each_byte(address, |byte| format!("%{byte:02X}"));
    vec![
        address.to_owned(),
        address.to_uppercase(),
        address.replace('@', "%40"),
        percent.replace('%', "%25"),
        percent,
        address.replace('@', "\\u0040"),
        each_character(address, |character| format!("\\u{:04x}", u32::from(character))),
        address.replace('@', "&#64;"),
        address.replace('@', "&#x40;"),
        address.replace('@', "&commat;"),
        each_character(address, |character| format!("&#{};", u32::from(character))),
        address.replace('@', "=40"),
        each_byte(address, |byte| format!("={byte:02X}")),
        each_byte(address, |byte| format!("{byte:02x}")),
        each_byte(address, |byte| format!("{byte:02X}")),
    ]
}

/// What stands in a text for an address in base64, whatever the bytes around it.
fn in_base64(address: &str) -> Vec<String> {
    let mut found = Vec::new();
    for offset in 0..3 {
        let bytes = [&b"xx"[..offset], address.as_bytes()].concat();
        let start = (offset * 8).div_ceil(6);
        let length = bytes.len() * 8 / 6 - start;
        for text in [BASE64_STANDARD.encode(&bytes), BASE64_URL_SAFE_NO_PAD.encode(&bytes)] {
            found.push(text[start..start + length].to_owned());
        }
    }
    found
}

/// Texts that hold the address.
fn corpus(address: &str) -> Vec<String> {
    let base64 = |text: &str| [BASE64_STANDARD.encode(text), BASE64_URL_SAFE_NO_PAD.encode(text)];
    let plain = encodings(address);
    let in_json = [address.to_owned(), format!("x{address}"), format!("xy{address}~~?"), json!({"to": address}).to_string()];
    let mut corpus: Vec<String> = plain.iter().cloned().chain(in_json.iter().flat_map(|text| base64(text))).collect();
    corpus.push(format!("Error <{address}>: ORCPT=rfc822;{}", address.replace('@', "+40")));
    corpus.push(format!("https://{address}/u?to={address}&next=mailto:{address}"));
    corpus.push(BASE64_STANDARD.encode(&plain[3]));
    corpus
}

/// Panics if a text holds one of the addresses, in whichever encoding.
fn assert_tells_none(text: &str, of: &str) {
    let whole = serde_json::from_str::<Value>(text).map(|json| strings(&json)).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).map(|json| strings(&json));
    let texts: String = [text.to_owned(), whole].into_iter().chain(lines).collect::<Vec<_>>().join("\n");
    let lower = texts.to_lowercase();
    for address in ADDRESSES.iter().copied().flatten() {
        for encoded in encodings(address) {
            assert!(!lower.contains(&encoded.to_lowercase()), "{of} tells {encoded}: {text}");
        }
        for spelling in [(*address).to_owned(), address.to_lowercase(), address.to_uppercase()] {
            for encoded in in_base64(&spelling) {
                assert!(!texts.contains(&encoded), "{of} tells {encoded}: {text}");
            }
        }
    }
}

/// All strings and names in a JSON value, one on each line.
fn strings(json: &Value) -> String {
    match json {
        Value::String(text) => format!("{text}\n"),
        Value::Array(values) => values.iter().map(strings).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| format!("{name}\n{}", strings(value))).collect(),
        _ => String::new(),
    }
}

/// An event that holds a text in each of its fields.
fn holding(number: usize, kind: &str, address: &str, text: &str) -> Value {
    let mut event = event(kind, &format!("m{}", number / 2));
    event["ts"] = json!(1_700_000_000 + number);
    event["url"] = json!(format!("https://example.com/{text}?to={text}&more=1#{text}"));
    event["user_agent"] = json!(format!("Mail ({text})"));
    event["location"] = json!({"country": "DE", "city": text});
    event["other"] = json!({text: [text]});
    event["msg"] = json!({
        "_id": format!("m{}", number / 2), "email": address, "sender": format!("Sales <{address}>"), "subject": format!("For {text}"),
        "tags": [text, format!("tag {number}")], "template": text, "subaccount": text, "metadata": {"to": text, text: 1},
        "diag": format!("smtp;550 5.1.1 {text} unknown"), "bounce_description": format!("general {text}"), "reject": text,
        "from_email": address, "to": [[address, text]], "text": text, "html": text, "raw_msg": text, "headers": {"To": text},
        "attachments": {text: {"name": text, "content": text}},
    });
    event
}

/// A client with a token that sees no addresses.
async fn token(stack: &Stack, admin: &ApiClient) -> ApiClient {
    admin.reader(stack, &json!({"scopes": ["read", "simulate"], "addresses": "masked"})).await
}

/// Changes the role of a user, and waits for nothing: the next request has it.
async fn make_operator(admin: &ApiClient, client: &ApiClient) {
    let id = client.get("/api/session").await.json()["user"]["id"].clone();
    let changed = admin.change(Method::PATCH, &format!("/api/users/{id}"), &json!({"role": "operator"})).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
}

/// The paths of all routes that read, with what there is for their parameters.
async fn readings(client: &ApiClient, ids: &BTreeSet<i64>, recipients: &BTreeSet<String>, quarantined: &[i64]) -> Vec<String> {
    let document = client.get("/api/openapi.json").await.json();
    let mut paths = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let fill = |values: Vec<String>| values.into_iter().map(|value| path.replace("{id}", &value).replace("{email}", &value));
        match path.as_str() {
            _ if operations.get("get").is_none() => {}
            "/api/complete" => {
                let fields = "kind reason_class actor tag template subaccount sender recipient domain url metadata metadata.to";
                paths.extend(fields.split(' ').map(|field| format!("{path}?field={field}")));
            }
            "/api/stats" | "/api/stats/audience" => {
                let period = "from=2026-06-01T00:00:00Z&to=2027-06-01T00:00:00Z";
                paths.extend(["", "&kind=click", "&simulated=false"].map(|more| format!("{path}?{period}{more}")));
            }
            "/api/events/export" => paths
                .extend(["format=csv", "format=ndjson", "format=ndjson&payload=true"].map(|format| format!("{path}?{format}"))),
            "/api/events" | "/api/notifications" => paths.push(format!("{path}?limit=200")),
            path if path.starts_with("/api/events/{id}") => paths.extend(fill(ids.iter().map(i64::to_string).collect())),
            path if path.starts_with("/api/quarantine/{id}") => {
                paths.extend(fill(quarantined.iter().map(i64::to_string).collect()));
            }
            path if path.starts_with("/api/messages/") => {
                paths.extend(fill((0..ids.len() / 2).map(|number| format!("m{number}")).collect()));
            }
            path if path.starts_with("/api/recipients/") => paths.extend(fill(recipients.iter().cloned().collect())),
            path => paths.push(path.to_owned()),
        }
    }
    paths
}

#[tokio::test(flavor = "multi_thread")]
async fn no_response_frame_or_file_tells_an_address_that_is_masked() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mandrill = Mandrill::of(&stack);
    let viewer = ApiClient::viewer(&stack, "vera@example.com").await;
    let operator = ApiClient::viewer(&stack, "otto@example.com").await;
    make_operator(&admin, &operator).await;
    for role in ["viewer", "operator"] {
        let changed = admin.change(Method::PATCH, &format!("/api/roles/{role}"), &json!({"addresses": "masked"})).await;
        assert_eq!(changed.status, 204, "{}", changed.text);
    }
    let session = viewer.get("/api/session").await.json();
    assert_eq!((&session["user"]["addresses"], &session["user"]["email"]), (&json!("masked"), &json!("vera@example.com")));
    let rules: Vec<Value> = vec![json!({"kinds": ["open", "click", "hard_bounce", "reject"]})];
    assert_eq!(viewer.change(Method::PUT, "/api/rules", &json!({"rules": rules})).await.status, 200);
    let callers = [("viewer", viewer), ("operator", operator), ("token", token(&stack, &admin).await)];
    let mut sockets = Vec::new();
    for (name, caller) in &callers {
        let mut socket = Socket::of(caller).await;
        let cursor = socket.subscribe(None).await["cursor"].as_str().expect("a cursor").to_owned();
        sockets.push((*name, socket, cursor));
    }

    let kinds = ["open", "click", "hard_bounce", "reject", "inbound", "send"];
    let mut events = Vec::new();
    for spellings in ADDRESSES {
        for text in spellings.iter().flat_map(|spelling| corpus(spelling)) {
            events.push(holding(events.len(), kinds[events.len() % kinds.len()], spellings[0], &text));
        }
    }
    let count = events.len();
    events.push(json!(corpus(ADDRESSES[1][0]).join(" ")));
    let delivered = mandrill.deliver(&events).await;
    assert_eq!(delivered.json()["stored"], count, "{}", delivered.text);
    let told = json!({"to": "all", "title": format!("Ask {}", ADDRESSES[0][0]), "body": corpus(ADDRESSES[1][0]).join(" ")});
    assert_eq!(admin.post("/api/notifications", &told).await.status, 201);
    assert_eq!(admin.post("/api/notifications", &json!({"to": "all", "title": "The end"})).await.status, 201);

    let mut database = Database::of(&stack).await;
    let ids = database.ids("select id from events").await;
    let quarantined: Vec<i64> = database.ids("select id from quarantine").await.into_iter().collect();
    assert_eq!((ids.len(), quarantined.len()), (count, 1));
    let recipients: BTreeSet<String> = {
        let items = callers[0].1.all("/api/events").await;
        assert_eq!(items.len(), count);
        items.iter().map(|item| item["recipient_id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(recipients.len(), ADDRESSES.len());
    let paths = readings(&admin, &ids, &recipients, &quarantined).await;
    assert!(paths.len() > count * 2, "{}", paths.len());
    for (name, caller) in &callers {
        let mut answered = BTreeSet::new();
        for path in &paths {
            let response = caller.get(path).await;
            assert_tells_none(&response.text, &format!("{path} for the {name}"));
            if response.status == 200 {
                answered
                    .insert(path.split(['?', '~']).next().unwrap_or_default().replace(|digit: char| digit.is_ascii_digit(), ""));
            } else if path.ends_with("/raw") {
                assert!(["masked", "forbidden"].contains(&response.problem().1.as_str()), "{path}: {}", response.text);
            }
        }
        for path in
            ["/api/events", "/api/events/", "/api/messages/m", "/api/recipients/", "/api/events/export", "/api/notifications"]
        {
            assert!(answered.contains(path), "{path} should answer the {name}: {answered:?}");
        }
    }
    // An admin sees what was received, so that the walk above had something to hide.
    assert!(admin.get("/api/events?limit=200").await.text.contains(ADDRESSES[0][0]));
    for (name, mut live, cursor) in sockets {
        let caller = &callers.iter().find(|(caller, _)| *caller == name).expect("the caller").1;
        let mut resumed = Socket::of(caller).await;
        resumed.subscribe(Some(&cursor)).await;
        let mut stream = Stream::open(caller, "", Some(&cursor)).await;
        for source in ["live", "resumed", "stream"] {
            let (mut seen, mut is_over) = (0, false);
            while !is_over || seen < count {
                let frame = match source {
                    "live" => live.next().await,
                    "resumed" => resumed.next().await,
                    _ => stream.next().await.expect("the stream should not end").0,
                };
                assert_tells_none(&frame.to_string(), &format!("a frame for the {name}, {source}"));
                seen += frame["items"].as_array().map_or(0, Vec::len);
                is_over |= frame["title"] == "The end";
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_masked_caller_finds_out_no_address_by_filters() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut other = event("open", "m2");
    other["msg"]["subject"] = json!("For ada@example.com, your order");
    other["msg"]["tags"] = json!(["ada@example.com", "vip"]);
    other["msg"]["metadata"] = json!({"email": "ada@example.com", "plan": "gold"});
    other["msg"]["email"] = json!("Ada@example.com");
    other["url"] = json!("https://example.com/?e=YWRhQGV4YW1wbGUuY29t");
    let mut plain = event("open", "m3");
    plain["msg"]["subject"] = json!("Your order");
    plain["msg"]["email"] = json!("bob@example.com");
    assert_eq!(Mandrill::of(&stack).deliver(&[other, plain]).await.json()["stored"], 2);
    let masked = token(&stack, &admin).await;
    for filter in [
        "recipient=ada%40example.com",
        "recipient=ada",
        "not.recipient=bob%40example.com",
        "sender=hello%40shop.example.com",
        "not.sender=hello%40shop.example.com",
        "tag=ada%40example.com",
        "not.tag=ada%40example.com",
        "metadata.email=ada%40example.com",
        "not.metadata.email=ada%40example.com",
        "metadata.ada%40example.com=1",
        "url=https%3A%2F%2Fexample.com%2F%3Fe%3DYWRhQGV4YW1wbGUuY29t",
        "template=616461406578616d706c652e636f6d",
        "tag=a%E2%80%A2%E2%80%A2%E2%80%A2%40example.com",
    ] {
        for path in ["/api/events", "/api/events/histogram", "/api/events/export", "/api/stats", "/api/stats/audience"] {
            let refused = masked.get(&format!("{path}?{filter}")).await;
            assert_eq!(refused.problem(), (400, "bad_filter".to_owned()), "{path}?{filter}");
        }
    }
    let mut socket = Socket::of(&masked).await;
    socket.send(&json!({"type": "subscribe", "topics": ["events"], "filter": {"recipient": "ada@example.com"}})).await;
    assert_eq!(socket.next_of("error").await["code"], "bad_filter");
    let stream = masked.request(Method::GET, "/sse?recipient=ada%40example.com").header("sec-fetch-site", "same-origin");
    assert_eq!(masked.send(stream).await.status, 400);
    assert_eq!(masked.get("/api/recipients/ada%40example.com").await.problem(), (403, "masked".to_owned()));
    for field in ["recipient", "sender"] {
        assert_eq!(masked.get(&format!("/api/complete?field={field}&text=a")).await.json()["items"], json!([]), "{field}");
    }
    let values = |response: Value| -> Vec<String> {
        let items = response["items"].as_array().expect("items").clone();
        items.iter().map(|item| item["value"].as_str().expect("a text").to_owned()).collect()
    };
    for (field, expected) in
        [("tag", vec!["vip", "welcome"]), ("metadata.email", vec![]), ("url", vec![]), ("domain", vec!["example.com"])]
    {
        let mut suggested = values(masked.get(&format!("/api/complete?field={field}")).await.json());
        suggested.sort_unstable();
        assert_eq!(suggested, expected, "{field}");
    }
    let found = async |filter: &str| masked.all(&format!("/api/events?{filter}")).await.len();
    for (filter, expected) in [
        ("q=order", 1),
        ("q=ada", 0),
        ("q=bob", 0),
        ("q=for", 0),
        ("subject=your+order", 1),
        ("subject=ada", 0),
        ("tag.prefix=ada", 0),
        ("tag.contains=example", 0),
        ("tag.prefix=vi", 1),
        ("domain=example.com", 2),
        ("metadata.plan=gold", 1),
    ] {
        assert_eq!(found(filter).await, expected, "{filter}");
    }
    // An id stands for the address wherever the address could.
    let items = masked.all("/api/events?metadata.plan=gold").await;
    let (id, shown) = (items[0]["recipient_id"].as_str().expect("an id"), &items[0]["recipient"]);
    assert_eq!(shown, "A•••@example.com");
    assert_eq!((found(&format!("recipient={id}")).await, found(&format!("not.recipient={id}")).await), (1, 1));
    let recipient = masked.get(&format!("/api/recipients/{id}")).await.json();
    assert_eq!((&recipient["email"], &recipient["recipient_id"]), (&json!("a•••@example.com"), &json!(id)));
    assert_eq!(admin.get(&format!("/api/recipients/{id}")).await.json()["email"], "ada@example.com");
    let rules = json!({"rules": [{"kinds": ["open"], "recipient": "ada@example.com"}]});
    let viewer = ApiClient::viewer(&stack, "vera@example.com").await;
    assert_eq!(viewer.change(Method::PUT, "/api/rules", &rules).await.status, 200);
    let user = viewer.get("/api/session").await.json()["user"]["id"].clone();
    let change = json!({"addresses": "masked"});
    assert_eq!(admin.change(Method::PATCH, &format!("/api/users/{user}"), &change).await.json()["addresses"], "masked");
    assert_eq!(viewer.change(Method::PUT, "/api/rules", &rules).await.problem(), (400, "bad_rule".to_owned()));
    assert!(!viewer.get("/api/rules").await.text.contains("ada@"));
}

/// Parts of subjects: plain, and such as can belong to an address.
const PIECES: [&str; 16] =
    ["order", " ", "INV", "a", "4", "0", "2e", "%", "25", "40", "&#", "x", ";", "=", "YWRh", "deadbeef40aa2e"];

#[tokio::test(flavor = "multi_thread")]
async fn masked_searches_agree_live_and_stored() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let masked = token(&stack, &admin).await;
    let mut socket = Socket::of(&masked).await;
    let start = socket.subscribe(None).await["cursor"].as_str().expect("a cursor").to_owned();
    let mut rng = Rng::new(7);
    let mut text = || (0..1 + rng.below(8)).map(|_| rng.choose(&PIECES)).collect::<String>();
    let events: Vec<Value> = (0..400)
        .map(|number| {
            let mut event = event("open", &format!("m{number}"));
            (event["msg"]["subject"], event["msg"]["tags"], event["msg"]["template"]) =
                (json!(text()), json!([text()]), json!(text()));
            event
        })
        .collect();
    assert_eq!(Mandrill::of(&stack).deliver(&events).await.json()["stored"], events.len());
    assert_eq!(admin.post("/api/notifications", &json!({"to": "all", "title": "The end"})).await.status, 201);
    let mut hidden = 0;
    for (name, value) in [
        ("q", "order"),
        ("q", "a"),
        ("q", "4"),
        ("subject", "inv"),
        ("subject", "40"),
        ("tag.contains", "4"),
        ("tag.prefix", "o"),
        ("template.contains", "deadbeef"),
        ("template.contains", "x"),
    ] {
        let listed: BTreeSet<i64> = masked
            .all(&format!("/api/events?{name}={value}"))
            .await
            .iter()
            .map(|item| item["id"].as_i64().expect("an id"))
            .collect();
        hidden += admin.all(&format!("/api/events?{name}={value}")).await.len() - listed.len();
        let mut socket = Socket::of(&masked).await;
        let subscribe =
            json!({"type": "subscribe", "topics": ["notifications", "events"], "filter": {name: value}, "after": start});
        socket.send(&subscribe).await;
        let (mut live, mut is_over) = (BTreeSet::new(), false);
        while !is_over || live.len() < listed.len() {
            let frame = socket.next().await;
            live.extend(frame["items"].as_array().into_iter().flatten().map(|item| item["id"].as_i64().expect("an id")));
            is_over |= frame["title"] == "The end";
        }
        assert_eq!(live, listed, "{name}={value}");
    }
    assert!(hidden > 100, "{hidden} texts may hold an address");
}

#[tokio::test(flavor = "multi_thread")]
async fn masking_takes_effect_on_what_is_under_way() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    Database::of(&stack).await.fill_events(30_000).await;
    let viewer = ApiClient::viewer(&stack, "vera@example.com").await;
    let id = viewer.get("/api/session").await.json()["user"]["id"].as_i64().expect("an id");
    let reader = ApiClient::viewer(&stack, "rita@example.com").await;
    let mut socket = Socket::of(&viewer).await;
    socket.subscribe(None).await;
    let export = viewer.request(Method::GET, "/api/events/export?format=ndjson&payload=true").send().await.expect("an export");
    assert_eq!(export.status(), 200);
    assert_eq!(admin.change(Method::PATCH, "/api/roles/viewer", &json!({"addresses": "masked"})).await.status, 204);
    assert_eq!(socket.closed().await, 4410);
    assert!(export.bytes().await.is_err(), "an export that shows more than allowed ends with an error");
    let shown = async |client: &ApiClient| client.get("/api/events?limit=1").await.json()["items"][0]["recipient"].clone();
    assert!(shown(&viewer).await.as_str().is_some_and(|shown| shown.contains('•')));
    // A user's own setting comes before that of the role, and a token's cannot show more than its user sees.
    let path = format!("/api/users/{id}");
    assert_eq!(admin.change(Method::PATCH, &path, &json!({"addresses": "full"})).await.json()["addresses"], "full");
    assert!(!shown(&viewer).await.as_str().is_some_and(|shown| shown.contains('•')));
    assert!(shown(&reader).await.as_str().is_some_and(|shown| shown.contains('•')));
    let roles = admin.all("/api/roles").await;
    assert_eq!(roles[0], json!({"role": "viewer", "addresses": "masked"}));
    assert_eq!(roles[2], json!({"role": "admin", "addresses": "full"}));
    for (path, change) in [
        ("/api/roles/admin".to_owned(), json!({"addresses": "masked"})),
        (path.clone(), json!({"role": "admin", "addresses": "masked"})),
    ] {
        assert_eq!(admin.change(Method::PATCH, &path, &change).await.problem(), (409, "masked_admin".to_owned()), "{path}");
    }
    let masked_admin = token(&stack, &admin).await;
    assert_eq!(masked_admin.get("/api/audit").await.problem(), (403, "forbidden".to_owned()));
    let audited = admin.all("/api/audit").await;
    assert!(audited.iter().any(|entry| entry["action"] == "role_changed"), "{audited:?}");
}
