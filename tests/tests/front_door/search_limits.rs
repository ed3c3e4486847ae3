//! A search that no index supports ends in time with what it found, and goes on from there.

use std::collections::BTreeSet;
use std::time::Duration;

use front_door::{ApiClient, ApiResponse, Database, Proxy, ProxyMode};
use serde_json::Value;
use stack::{Part, Replica, Stack};

/// More events than a search reads within its time.
const ROWS: u32 = 15_000;
/// How long each message to Postgres, and each response, takes.
const DELAY: Duration = Duration::from_millis(50);
/// Two letters: too few for the index. They occur in three subjects.
const SEARCH: &str = "q=%C3%BE%C3%BE";

/// A service for which each statement takes long, in front of many events.
struct Slow {
    stack: Stack,
    _proxy: Proxy,
    _ingest: Replica,
    database: Database,
    admin: ApiClient,
}

impl Slow {
    async fn start() -> Self {
        let stack = Stack::start().expect("the stack should start");
        let mut database = Database::of(&stack).await;
        database.fill_events(ROWS).await;
        database
            .run(&format!(
                "update events set subject = 'Große þþ', search = search || ' þþ'
                 where id in (select id from events order by received_at desc, id desc offset 10 limit 1)
                    or id in (select id from events order by received_at desc, id desc offset {} limit 1)
                    or id in (select id from events order by received_at, id limit 1)",
                ROWS / 2
            ))
            .await;
        database.run("analyze events").await;
        let direct = stack.direct(Part::Postgres);
        let port = direct.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("the address should have a port");
        let proxy = Proxy::to(port).await;
        let url = stack.service_database_url_at(proxy.port());
        let ingest = stack.replica_with("ingest", &[("DATABASE_URL", &url)]).expect("the replica should start");
        let mut admin = ApiClient::admin(&stack).await;
        admin.address = ingest.address();
        // Signs in and connects before everything takes long.
        admin.get("/api/events?limit=1").await;
        proxy.set_mode(ProxyMode::Delay(DELAY));
        Self { stack, _proxy: proxy, _ingest: ingest, database, admin }
    }
}

/// The page, and its ids.
fn page(response: &ApiResponse) -> (Value, Vec<i64>) {
    assert_eq!(response.status, 200, "{}", response.text);
    let page = response.json();
    let items = page["items"].as_array().cloned().unwrap_or_default();
    (page, items.iter().filter_map(|item| item["id"].as_i64()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_search_tells_how_far_it_came_and_goes_on_to_the_end() {
    let mut slow = Slow::start().await;
    let (mut found, mut cursor, mut searched, mut partial) = (Vec::new(), String::new(), String::from("9"), 0);
    loop {
        let (page, ids) = page(&slow.admin.get(&format!("/api/events?{SEARCH}&cursor={cursor}")).await);
        found.extend(ids);
        let Some(next) = page["next"].as_str() else { break };
        cursor = next.to_owned();
        let searched_to = page["searched_to"].as_str().expect("the page is not full").to_owned();
        assert!(searched_to < searched, "each page comes further: {searched_to} after {searched}");
        // Everything since then was searched.
        let since = format!("select id from events where search like '%þþ%' and received_at > '{searched_to}'");
        assert_eq!(slow.database.ids(&since).await, found.iter().copied().collect::<BTreeSet<_>>());
        (searched, partial) = (searched_to, partial + 1);
    }
    assert!(partial >= 1, "the search should be too long for one page");
    let all = slow.database.text("select id::text from events where search like '%þþ%' order by received_at desc, id desc").await;
    assert_eq!(found.iter().map(i64::to_string).collect::<Vec<_>>().join("\n"), all);

    let export = slow.admin.get(&format!("/api/events/export?format=ndjson&{SEARCH}")).await;
    assert_eq!((export.status.as_u16(), export.text.lines().count()), (200, 3), "an export goes to its end: {}", export.text);
    let nothing = slow.admin.get("/api/events/export?format=ndjson&q=%C3%BE%C3%BE%20%C3%B0").await;
    assert_eq!((nothing.status.as_u16(), nothing.text.as_str()), (200, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn excluded_kinds_are_found_by_the_index_of_the_others() {
    let mut slow = Slow::start().await;
    slow.database
        .run("update events set kind = 'unsub' where id in (select id from events order by received_at, id limit 3)")
        .await;
    let kinds = "send,delivered,open,click,soft_bounce,hard_bounce,deferral,spam";
    let (first, ids) = page(&slow.admin.get(&format!("/api/events?not.kind={kinds}")).await);
    assert_eq!((ids.len(), &first["next"], &first["searched_to"]), (3, &Value::Null, &Value::Null), "{first}");
    let (first, ids) = page(&slow.admin.get(&format!("/api/events?not.kind={kinds}&limit=2")).await);
    assert_eq!((ids.len(), &first["searched_to"]), (2, &Value::Null), "{first}");
    let cursor = first["next"].as_str().unwrap_or_default();
    let (rest, ids) = page(&slow.admin.get(&format!("/api/events?not.kind={kinds}&limit=2&cursor={cursor}")).await);
    assert_eq!((ids.len(), &rest["next"]), (1, &Value::Null), "{rest}");
    let (none, ids) = page(&slow.admin.get(&format!("/api/events?not.kind={kinds},unsub")).await);
    assert_eq!((ids.len(), &none["next"]), (0, &Value::Null), "{none}");
    let many = (0..60).map(|n| format!("k{n}")).collect::<Vec<_>>().join(",");
    let (several, ids) = page(&slow.admin.get(&format!("/api/events?kind=unsub,{many}&limit=3&from=2020-01-01T00:00:00Z")).await);
    assert!(ids.is_empty() && several["searched_to"].is_string(), "too many kinds to merge: {several}");
    let (some, ids) = page(&slow.admin.get("/api/events?kind=unsub,reject,unsub&not.kind=reject").await);
    assert_eq!((ids.len(), &some["next"]), (3, &Value::Null), "{some}");
    drop(slow.stack);
}
