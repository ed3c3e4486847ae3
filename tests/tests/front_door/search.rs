//! Every search goes by an index: what Postgres really did is read from its log.

use std::fs;

use front_door::{Database, Mandrill, Visitor};
use serde_json::json;
use stack::{Part, Stack};

/// Enough that reading all of them would be the wrong plan, as it is in production.
const ROWS: u32 = 60_000;
/// Has every statement's plan logged.
const EXPLAIN: &str = "
    alter system set session_preload_libraries = 'auto_explain';
    alter system set auto_explain.log_min_duration = 0;
    select pg_reload_conf()";

/// One of each filter, and some together; `n` is a number that few events have.
fn filters() -> Vec<String> {
    let n = ROWS - 7;
    let common =
        ["kind=open", "kind=open,click", "not.kind=send", "simulated=false", "not.tag=orders", "from=2020-01-01T00:00:00Z", ""];
    let rare = [
        "recipient=hugo.adams7@mail.example.com".to_owned(),
        "sender=billing@example.com".to_owned(),
        "subject=order%207".to_owned(),
        "tag=rare".to_owned(),
        format!("metadata.customer=c{n}"),
        format!("metadata.number={n}"),
        "metadata.plan=gold".to_owned(),
        "template=reset".to_owned(),
        "subaccount=eu".to_owned(),
        "message_id=m7".to_owned(),
        "ip=198.51.100.7".to_owned(),
        "url=https%3A%2F%2Fexample.com%2F7".to_owned(),
        "q=adams7".to_owned(),
        "q=order%20eu".to_owned(),
        "q=nothing%20like%20this".to_owned(),
    ];
    let both = rare.iter().map(|filter| format!("{filter}&kind=click&not.tag=x&from=2020-01-01T00:00:00Z"));
    common.iter().map(|filter| (*filter).to_owned()).chain(rare.iter().cloned()).chain(both.collect::<Vec<_>>()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_filter_makes_postgres_read_all_events() {
    let mut stack = Stack::start().expect("a stack");
    let mut database = Database::of(&stack).await;
    database.fill_events(ROWS).await;
    for statement in EXPLAIN.split(';') {
        database.run(statement).await;
    }
    // New connections load what explains.
    stack.restart(Part::Ingest).expect("a restart");
    let admin = Visitor::admin(&stack).await;
    for filter in filters() {
        let listed = admin.get(&format!("/api/events?{filter}")).await;
        assert_eq!(listed.status, 200, "{filter}: {}", listed.text);
        if let Some(next) = listed.json()["next"].as_str() {
            assert_eq!(admin.get(&format!("/api/events?{filter}&cursor={next}")).await.status, 200, "{filter}");
        }
    }
    for path in ["/api/recipients/hugo.adams7@mail.example.com", "/api/messages/m7", "/api/events/7"] {
        assert_eq!(admin.get(path).await.status, 200, "{path}");
    }
    let log = fs::read_to_string(stack.log(Part::Postgres)).expect("the log of Postgres");
    let plans: Vec<&str> = log.split("Query Text: ").skip(1).filter(|plan| plan.contains("from events where")).collect();
    assert!(plans.len() >= filters().len(), "{} plans", plans.len());
    // Months without events are read whole, which costs nothing.
    let month = database.number("select to_char(now() - interval '1 month', 'YYYYMM')::bigint").await.expect("a month");
    let filled = format!("Seq Scan on events_{}_{:02} ", month / 100, month % 100);
    for plan in plans {
        assert!(!plan.contains(&filled), "{plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_index_is_merged_before_anybody_waits_for_it() {
    let stack = Stack::start().expect("a stack");
    let mut database = Database::of(&stack).await;
    database.run("create extension pgstattuple").await;
    let open =
        json!({"event": "open", "ts": 1_790_000_000, "_id": "m", "msg": {"email": "ann@example.com", "subject": "Merged"}});
    assert_eq!(Mandrill::of(&stack).deliver(&[open]).await.status, 200);
    let pending = "select (count(*) filter (where pending_tuples > 0) = 0)::int::bigint
                   from pg_inherits cross join lateral pgstatginindex(inhrelid) where inhparent = 'events_search_idx'::regclass";
    database.until("a list that is merged", pending).await;
}
