//! Users and tokens that may see a part of all events: every surface shows that part and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill, Rng, Socket};
use reqwest::Method;
use serde_json::{Value, json};
use stack::Stack;

const EVENTS: usize = 300;
const CALLERS: usize = 25;
const FILTERS: usize = 40;
const SUBACCOUNTS: [&str; 3] = ["eu", "us", "EU"];
const TAGS: [&str; 4] = ["vip", "news", "orders", "VIP"];
const DOMAINS: [&str; 3] = ["shop.example.com", "Blog.example.com", "mail.shop.example.com"];

fn pick(rng: &mut Rng, values: &[&str], one_in: usize) -> Vec<String> {
    values.iter().filter(|_| rng.below(one_in) == 0).map(|value| (*value).to_owned()).collect()
}

fn random_event(rng: &mut Rng, number: usize) -> Value {
    let kind = rng.choose(&["open", "open", "click", "send", "hard_bounce", "inbound"]);
    let mut event = event(kind, &format!("m{}", number / 3));
    let msg = &mut event["msg"];
    msg["email"] = json!(format!("person{}@example.com", rng.below(40)));
    let domain = rng.choose(&DOMAINS);
    msg[if kind == "inbound" { "from_email" } else { "sender" }] =
        json!(rng.choose(&[&format!("Hello@{domain}"), &format!("hello@{domain}"), domain]));
    msg["subject"] = json!(format!("Number {number}"));
    msg["tags"] = json!(pick(rng, &TAGS, 3));
    msg["template"] = json!(rng.choose(&["welcome", "invoice"]));
    if rng.below(3) > 0 {
        msg["subaccount"] = json!(rng.choose(&SUBACCOUNTS));
    }
    msg["metadata"] = json!({"plan": rng.choose(&["gold", "free"])});
    event["url"] = json!(format!("https://example.com/{}", rng.below(3)));
    event["ts"] = json!(1_700_000_000 + number);
    event
}

fn random_restriction(rng: &mut Rng) -> Value {
    let one_of = [4, 9][rng.below(2)];
    let domains: Vec<String> = pick(rng, &DOMAINS, one_of);
    json!({"subaccounts": pick(rng, &SUBACCOUNTS, one_of), "tags": pick(rng, &TAGS, one_of), "domains": domains})
}

fn random_filter(rng: &mut Rng) -> Vec<(&'static str, String)> {
    let mut filter = Vec::new();
    for _ in 0..rng.below(3) {
        filter.push(match rng.below(9) {
            0 => ("kind", rng.choose(&["open", "click,send", "inbound"]).to_owned()),
            1 => ("tag", rng.choose(&TAGS).to_owned()),
            2 => ("subaccount", rng.choose(&SUBACCOUNTS).to_owned()),
            3 => ("recipient", format!("person{}@example.com", rng.below(40))),
            4 => ("q", rng.choose(&["number", "gold", "number 12", "person3"]).to_owned()),
            5 => ("not.kind", rng.choose(&["open,click", "send", "open,click,send,hard_bounce,inbound"]).to_owned()),
            6 => ("template", "welcome".to_owned()),
            7 => ("metadata.plan", "gold".to_owned()),
            _ => ("not.subaccount", rng.choose(&SUBACCOUNTS).to_owned()),
        });
    }
    filter
}

fn list(restriction: &Value, name: &str) -> String {
    let values = restriction[name].as_array().expect("a list").iter();
    let quoted: Vec<String> = values.map(|value| format!("'{}'", value.as_str().expect("a text"))).collect();
    format!("array[{}]::text[]", quoted.join(", "))
}

/// What a restriction selects, written independently of the product.
fn condition(restriction: &Value) -> String {
    if restriction.is_null() {
        return "true".to_owned();
    }
    format!(
        "(coalesce(events.subaccount in (select unnest({})), false) or exists (select from unnest(events.tags) as tag where tag in (select unnest({})))
          or coalesce(events.kind <> 'inbound' and substring(lower(events.sender) from '@([^@]*)$') in (select lower(unnest({}))), false))",
        list(restriction, "subaccounts"),
        list(restriction, "tags"),
        list(restriction, "domains")
    )
}

/// The ids on all pages of a list.
async fn ids(client: &ApiClient, path: &str) -> BTreeSet<i64> {
    client.all(path).await.iter().map(|item| item["id"].as_i64().expect("an id")).collect()
}

fn query(filter: &[(&str, String)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(filter);
    query.finish()
}

struct Limited {
    client: ApiClient,
    /// What a visible event meets, as SQL.
    condition: String,
    restriction: Value,
}

/// A caller limited by a user's restriction, a token's, or both.
async fn limited(stack: &Stack, admin: &ApiClient, rng: &mut Rng, number: usize) -> Limited {
    let restriction = random_restriction(rng);
    if number.is_multiple_of(2) {
        let client = admin.reader(stack, &json!({"restriction": restriction})).await;
        return Limited { client, condition: condition(&restriction), restriction };
    }
    let email = format!("limited{number}@example.com");
    let client = ApiClient::viewer(stack, &email).await;
    let id = client.get("/api/session").await.json()["user"]["id"].as_i64().expect("an id");
    let changed = admin.change(Method::PATCH, &format!("/api/users/{id}"), &json!({"restriction": restriction})).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    Limited { client, condition: condition(&restriction), restriction }
}

fn total(counts: &Value) -> i64 {
    counts.as_object().expect("an object").values().map(|count| count.as_i64().expect("a count")).sum()
}

/// The number of events in a response with buckets.
fn total_of_buckets(response: &Value, counts: &str) -> i64 {
    response["buckets"].as_array().expect("buckets").iter().map(|bucket| total(&bucket[counts])).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_surface_shows_exactly_what_the_caller_may_see() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut database = Database::of(&stack).await;
    let mut rng = Rng::new(19);
    let mandrill = Mandrill::of(&stack);
    let first: Vec<Value> = (0..EVENTS / 2).map(|number| random_event(&mut rng, number)).collect();
    assert_eq!(mandrill.deliver(&first).await.json()["stored"], EVENTS / 2);
    let mut callers = Vec::new();
    for number in 0..CALLERS {
        let caller = limited(&stack, &admin, &mut rng, number).await;
        let mut socket = Socket::of(&caller.client).await;
        let cursor = socket.subscribe(None).await["cursor"].as_str().expect("a cursor").to_owned();
        callers.push((caller, socket, cursor));
    }
    let second: Vec<Value> = (EVENTS / 2..EVENTS).map(|number| random_event(&mut rng, number)).collect();
    assert_eq!(mandrill.deliver(&second).await.json()["stored"], EVENTS / 2);
    assert_eq!(admin.post("/api/notifications", &json!({"to": "all", "title": "The end"})).await.status, 201);
    database.run("analyze events").await;
    let all = database.ids("select id from events").await;
    let (mut pairs, mut partly) = (0, 0);
    for (caller, mut socket, cursor) in callers {
        let Limited { client, condition, restriction } = &caller;
        let visible = database.ids(&format!("select id from events where {condition}")).await;
        partly += usize::from(!visible.is_empty() && visible.len() < all.len());

        // Live: what came since, and the same again after a resume.
        let newer = format!(
            "select id from events where subject ~ '[0-9]+' and substring(subject from '[0-9]+')::int >= {} and {condition}",
            EVENTS / 2
        );
        let newer = database.ids(&newer).await;
        let told = database
            .ids(&format!("select notifications.id from notifications join events on events.id = event_id where {condition}"))
            .await;
        let told_newer = database
            .ids(&format!(
                "select notifications.id from notifications join events on events.id = event_id
                 where substring(events.subject from '[0-9]+')::int >= {} and {condition}",
                EVENTS / 2
            ))
            .await;
        let mut resumed = Socket::of(client).await;
        resumed.subscribe(Some(&cursor)).await;
        for socket in [&mut socket, &mut resumed] {
            let (mut events, mut notifications) = (BTreeSet::new(), BTreeSet::new());
            socket
                .read_until("the end", |frame| {
                    match frame["type"].as_str() {
                        Some("events") => events.extend(
                            frame["items"].as_array().into_iter().flatten().map(|item| item["id"].as_i64().expect("an id")),
                        ),
                        Some("notification") if frame["kind"] != "message" => {
                            notifications.insert(frame["id"].as_i64().expect("an id"));
                        }
                        _ => {}
                    }
                    frame["title"] == "The end"
                })
                .await;
            // The events of the last tenth of a second follow the message.
            while events.len() < newer.len() {
                let frame = socket.next_of("events").await;
                events.extend(frame["items"].as_array().into_iter().flatten().map(|item| item["id"].as_i64().expect("an id")));
            }
            assert_eq!(events, newer, "live, {restriction}");
            assert_eq!(notifications, told_newer, "live notifications, {restriction}");
        }

        // One by one: what is hidden does not exist.
        for id in all.iter().step_by(7) {
            let expected = if visible.contains(id) { 200 } else { 404 };
            for path in [format!("/api/events/{id}"), format!("/api/events/{id}/raw")] {
                assert_eq!(client.get(&path).await.status.as_u16(), expected, "{path}, {restriction}");
            }
        }
        for number in (0..EVENTS / 3).step_by(9) {
            let seen = client.get(&format!("/api/messages/m{number}")).await;
            let expected = database.ids(&format!("select id from events where message_id = 'm{number}' and {condition}")).await;
            let events: BTreeSet<i64> = if seen.status == 404 {
                BTreeSet::new()
            } else {
                let events = seen.json()["events"].as_array().expect("events").clone();
                events.iter().map(|event| event["id"].as_i64().expect("an id")).collect()
            };
            assert_eq!(events, expected, "message {number}, {restriction}");
        }
        for number in (0..40).step_by(5) {
            let address = format!("person{number}@example.com");
            let seen = client.get(&format!("/api/recipients/{address}")).await;
            let of_recipient = format!("from events where recipient = '{address}' and {condition}");
            let count = database.number(&format!("select count(*) {of_recipient}")).await.expect("a count");
            let kinds = if seen.status == 404 { Vec::new() } else { seen.json()["kinds"].as_array().expect("kinds").clone() };
            let counted: i64 = kinds.iter().map(|kind| kind["count"].as_i64().expect("a count")).sum();
            assert_eq!(counted, count, "{address}, {restriction}");
            if seen.status == 200 {
                let recipient = seen.json();
                let messages = recipient["messages"].as_array().expect("messages").iter();
                for message in messages {
                    let id = message["message_id"].as_str().expect("an id");
                    let is_visible = format!("select count(*) {of_recipient} and message_id = '{id}'");
                    assert_ne!(database.number(&is_visible).await, Some(0), "{id} of {address}, {restriction}");
                }
            }
        }
        let notifications: BTreeSet<i64> =
            client.all("/api/notifications?kind=open").await.iter().map(|item| item["id"].as_i64().expect("an id")).collect();
        assert_eq!(notifications, told, "notifications, {restriction}");
        completes(client, &mut database, condition, restriction).await;

        for _ in 0..FILTERS {
            pairs += 1;
            let filter = random_filter(&mut rng);
            let query = query(&filter);
            let selected = selected_by(&admin, &query, &visible).await;
            assert_eq!(ids(client, &format!("/api/events?{query}")).await, selected, "{query}, {restriction}");
            let count = i64::try_from(selected.len()).expect("a small number");
            let period = "from=2026-01-01T00:00:00Z&to=2036-01-01T00:00:00Z";
            let histogram = client.get(&format!("/api/events/histogram?{period}&{query}")).await.json();
            assert_eq!(total_of_buckets(&histogram, "kinds"), count, "histogram, {query}, {restriction}");
            let statistics = client.get(&format!("/api/stats?{query}")).await.json();
            assert_eq!(total(&statistics["counts"]), count, "statistics, {query}, {restriction}: {statistics}");
            let export = client.get(&format!("/api/events/export?format=ndjson&{query}")).await.text;
            let lines = export.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line"));
            let exported: BTreeSet<i64> = lines.map(|line| line["id"].as_i64().expect("an id")).collect();
            assert_eq!(exported, selected, "export, {query}, {restriction}");
            counts_only_visible_tags(&statistics, restriction, &query);
        }
    }
    assert!(pairs == 1_000 && partly > CALLERS / 2, "{partly} of {CALLERS} callers see a part");
}

/// The visible events among those that a filter selects for a caller who sees all.
async fn selected_by(admin: &ApiClient, query: &str, visible: &BTreeSet<i64>) -> BTreeSet<i64> {
    ids(admin, &format!("/api/events?{query}")).await.intersection(visible).copied().collect()
}

/// A caller who sees events by their tags alone gets no other tag by name.
fn counts_only_visible_tags(statistics: &Value, restriction: &Value, query: &str) {
    let is_by_tag = ["subaccounts", "domains"].iter().all(|name| restriction[*name] == json!([]));
    if is_by_tag {
        for tag in statistics["tags"].as_array().expect("tags") {
            let listed = restriction["tags"].as_array().expect("tags");
            assert!(listed.contains(&tag["name"]), "{tag}, {query}, {restriction}");
        }
    }
}

/// Compares suggested values with those of visible events.
async fn completes(client: &ApiClient, database: &mut Database, condition: &str, restriction: &Value) {
    let fields = [
        ("kind", "kind"),
        ("subaccount", "subaccount"),
        ("template", "template"),
        ("recipient", "recipient"),
        ("url", "case when kind = 'click' then url end"),
        ("metadata.plan", "metadata ->> 'plan'"),
    ];
    for (field, column) in fields {
        let counts = "select coalesce(json_object_agg(value, count), '{}')::text from";
        let sql = format!(
            "{counts} (select {column} as value, count(*) from events where {condition} group by 1) as counted where value is not null"
        );
        let expected: BTreeMap<String, i64> = serde_json::from_str(&database.text(&sql).await).expect("counts");
        let items = client.get(&format!("/api/complete?field={field}")).await.json()["items"].clone();
        let items = items.as_array().expect("items");
        assert!(items.len() == expected.len().min(20), "{field}, {restriction}: {items:?}");
        for item in items {
            let value = item["value"].as_str().expect("a text");
            let count = expected.get(value).unwrap_or_else(|| panic!("{field}={value} is not visible, {restriction}"));
            assert!(item["count"].is_null() || item["count"] == *count, "{field}={value}, {restriction}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_beside_a_visible_one_is_shown_but_not_suggested_or_counted() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut both = event("open", "m1");
    both["msg"]["tags"] = json!(["mine", "theirs"]);
    let mut own = event("open", "m2");
    own["msg"]["tags"] = json!(["theirs"]);
    own["msg"]["subaccount"] = json!("eu");
    assert_eq!(Mandrill::of(&stack).deliver(&[both, own]).await.json()["stored"], 2);
    let token = async |restriction: Value| admin.reader(&stack, &json!({"restriction": restriction})).await;
    let names = async |client: &ApiClient| {
        let values = |items: &Value, name: &str| -> Vec<String> {
            let items = items.as_array().expect("a list").iter();
            items.map(|item| item[name].as_str().expect("a text").to_owned()).collect()
        };
        let suggested = values(&client.get("/api/complete?field=tag").await.json()["items"], "value");
        let counted = values(&client.get("/api/stats").await.json()["tags"], "name");
        let mail = values(&client.get("/api/stats/audience").await.json()["tags"], "name");
        assert_eq!(counted, mail);
        (suggested, counted)
    };
    let by_tag = token(json!({"tags": ["mine"]})).await;
    assert_eq!(by_tag.all("/api/events").await[0]["tags"], json!(["mine", "theirs"]));
    assert_eq!(names(&by_tag).await, (vec!["mine".to_owned()], vec!["mine".to_owned()]));
    let by_both = token(json!({"tags": ["mine"], "subaccounts": ["eu"]})).await;
    let all = vec!["mine".to_owned(), "theirs".to_owned()];
    assert_eq!(names(&by_both).await, (all.clone(), all));
}

/// The paths of all routes of the API's document that read, with parameters.
async fn readings(client: &ApiClient, id: i64) -> Vec<String> {
    let document = client.get("/api/openapi.json").await.json();
    let mut readings = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        if operations.get("get").is_none() {
            continue;
        }
        let path = path.replace("{email}", "shared@example.com");
        let period = "from=2026-01-01T00:00:00Z&to=2036-01-01T00:00:00Z";
        let texts = if path.contains("/messages/") { vec!["theirs".to_owned(), "mine".to_owned()] } else { vec![id.to_string()] };
        match path.as_str() {
            "/api/complete" => {
                let fields =
                    ["kind", "reason_class", "actor", "tag", "template", "subaccount", "sender", "recipient", "domain", "url"];
                let fields = fields.into_iter().chain(["metadata", "metadata.who"]);
                readings.extend(fields.map(|field| format!("{path}?field={field}")));
            }
            "/api/stats" | "/api/stats/audience" => {
                let period = "from=2026-06-01T00:00:00Z&to=2027-06-01T00:00:00Z";
                readings.extend(["", "&simulated=false", "&kind=open"].map(|more| format!("{path}?{period}{more}")));
            }
            _ => readings.extend(texts.iter().map(|text| {
                let path = path.replace("{id}", text);
                if path.contains("/events/histogram") { format!("{path}?{period}") } else { path }
            })),
        }
    }
    readings
}

/// The response to each request, without what differs at each time.
async fn snapshot(client: &ApiClient, paths: &[String]) -> BTreeMap<String, (u16, String)> {
    let mut responses = BTreeMap::new();
    for path in paths {
        let response = client.get(path).await;
        let mut body: Value = serde_json::from_str(&response.text).unwrap_or_else(|_| json!(response.text));
        if let Some(body) = body.as_object_mut() {
            // The position in the feed is a number of all items, as the ids of events are.
            for name in ["feed", "request_id", "lag_seconds", "server_time"] {
                body.remove(name);
            }
        }
        responses.insert(path.clone(), (response.status.as_u16(), body.to_string()));
    }
    responses
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_tells_a_limited_caller_of_hidden_events() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut database = Database::of(&stack).await;
    let event_of = |whose: &str, kind: &str| {
        let mut event = event(kind, whose);
        event["url"] = json!(format!("https://example.com/{whose}"));
        event["msg"] = json!({"_id": whose, "email": "shared@example.com", "sender": format!("hello@{whose}.example.com"), "subject": whose,
                "tags": [whose], "template": whose, "subaccount": whose, "metadata": {"who": whose, whose: 1},
                "diag": format!("550 5.1.1 {whose}"), "bounce_description": "bad_mailbox"});
        event
    };
    let kinds = ["send", "open", "click", "hard_bounce", "spam", "reject"];
    let mandrill = Mandrill::of(&stack);
    let mine: Vec<Value> = kinds.iter().map(|kind| event_of("mine", kind)).collect();
    assert_eq!(mandrill.deliver(&mine).await.json()["stored"], kinds.len());
    let by_token = admin.reader(&stack, &json!({"restriction": {"tags": ["mine"]}})).await;
    let viewer = ApiClient::viewer(&stack, "limited@example.com").await;
    let id = viewer.get("/api/session").await.json()["user"]["id"].as_i64().expect("an id");
    let restriction = json!({"restriction": {"subaccounts": ["mine"]}});
    assert_eq!(admin.change(Method::PATCH, &format!("/api/users/{id}"), &restriction).await.status, 200);
    let callers = [by_token, viewer];

    // The next event gets the next id.
    let hidden = database.number("select max(id) + 1 from events").await.expect("an id");
    let paths = readings(&admin, hidden).await;
    assert!(paths.len() > 40, "{paths:?}");
    let mut before = Vec::new();
    for caller in &callers {
        before.push(snapshot(caller, &paths).await);
    }
    let mut theirs: Vec<Value> = kinds.iter().map(|kind| event_of("theirs", kind)).collect();
    theirs.push(json!({"event": "no_such_kind_theirs", "ts": "x"}));
    assert_eq!(mandrill.deliver(&theirs).await.status, 200);
    assert_eq!(admin.get(&format!("/api/events/{hidden}")).await.json()["subaccount"], "theirs");
    for (caller, before) in callers.iter().zip(before) {
        for (path, after) in snapshot(caller, &paths).await {
            assert!(!after.1.contains("theirs") || path.contains("theirs"), "{path}: {}", after.1);
            assert_eq!(after, before[&path], "{path} tells of hidden events");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_restriction_closes_connections_and_ends_exports() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    Database::of(&stack).await.fill_events(30_000).await;
    let created = admin.post("/api/tokens", &json!({"name": "all", "scopes": ["read"]})).await.json();
    let id = created["item"]["id"].as_i64().expect("an id");
    let reader = ApiClient::with_token(&stack, created["token"].as_str().expect("a token"));
    let mut socket = Socket::of(&reader).await;
    socket.subscribe(None).await;
    let export = reader.request(Method::GET, "/api/events/export?format=ndjson&payload=true").send().await.expect("an export");
    assert_eq!(export.status(), 200);
    let path = format!("/api/tokens/{id}");
    let changed = admin.change(Method::PATCH, &path, &json!({"restriction": {"subaccounts": [" none ", "none"]}})).await;
    assert_eq!(changed.json()["restriction"], json!({"subaccounts": ["none"], "tags": [], "domains": []}), "{}", changed.text);
    assert_eq!(socket.closed().await, 4410);
    let rest = export.bytes().await;
    assert!(rest.is_err(), "an export that shows more than allowed ends with an error");
    assert_eq!(reader.all("/api/events").await, Vec::<Value>::new());
    let audited = admin.all("/api/audit").await;
    assert!(audited.iter().any(|entry| entry["action"] == "token_changed"), "{audited:?}");
    assert_eq!(admin.change(Method::PATCH, &path, &json!({"restriction": null})).await.json()["restriction"], Value::Null);
    assert_ne!(reader.all("/api/events?limit=1").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_viewers_and_tokens_can_be_limited() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let user = |role: &str, restriction: Value| json!({"email": "ada@example.com", "role": role, "restriction": restriction});
    let refused = admin.post("/api/users", &user("admin", json!({"tags": ["vip"]}))).await;
    assert_eq!(refused.problem(), (409, "limited_role".to_owned()));
    let added = admin.post("/api/users", &user("viewer", json!({"domains": ["@Shop.Example.com"]}))).await.json();
    let added = &added["user"];
    assert_eq!(added["restriction"], json!({"subaccounts": [], "tags": [], "domains": ["shop.example.com"]}));
    let path = format!("/api/users/{}", added["id"]);
    let add =
        |more: &[&str]| stack.ingest(&[&["user", "add", "cli@example.com", "--password", "a viewer's password"], more].concat());
    assert!(add(&["--role", "operator", "--tag", "vip"]).is_err());
    add(&["--subaccount", "eu", "--addresses", "masked"]).expect("the user should be added");
    let of_command =
        |accounts: &[Value]| accounts.iter().find(|user| user["email"] == "cli@example.com").expect("the user").clone();
    let user_of_command = of_command(&admin.all("/api/users").await);
    assert_eq!(user_of_command["restriction"], json!({"subaccounts": ["eu"], "tags": [], "domains": []}));
    assert_eq!(user_of_command["addresses"], "masked");
    // Replacing the password leaves the limits.
    add(&["--if-there", "replace"]).expect("the user should be replaced");
    assert_eq!(of_command(&admin.all("/api/users").await)["restriction"], user_of_command["restriction"]);
    // Limited users do not learn of each other.
    let bob = ApiClient::viewer(&stack, "bob@example.com").await;
    let people = async |client: &ApiClient| client.all("/api/users").await.len();
    assert_eq!(people(&bob).await, 4);
    let id = bob.get("/api/session").await.json()["user"]["id"].as_i64().expect("an id");
    let limit = json!({"restriction": {"tags": ["vip"]}});
    let limited = admin.change(Method::PATCH, &format!("/api/users/{id}"), &limit).await;
    assert_eq!((limited.status.as_u16(), people(&bob).await), (200, 2), "{}", limited.text);
    let promote = admin.change(Method::PATCH, &path, &json!({"role": "admin"})).await;
    assert_eq!(promote.problem(), (409, "limited_role".to_owned()));
    let promoted = admin.change(Method::PATCH, &path, &json!({"role": "admin", "restriction": null})).await.json();
    assert_eq!((&promoted["role"], &promoted["restriction"]), (&json!("admin"), &Value::Null));
    // A token of an admin that is limited sees nothing that concerns all events.
    let reader = admin.reader(&stack, &json!({"restriction": {}})).await;
    for path in ["/api/quarantine", "/api/system", "/api/refusals", "/api/audit"] {
        assert_eq!(reader.get(path).await.problem(), (403, "forbidden".to_owned()), "{path}");
    }
    for restriction in [json!({"tags": [""]}), json!({"tags": ["a\u{0}"]}), json!({"colours": ["red"]}), json!([])] {
        let refused = admin.change(Method::PATCH, &path, &json!({"restriction": restriction})).await;
        assert_eq!(refused.problem(), (400, "bad_json".to_owned()), "{restriction}");
    }
}
