//! The two ways of storing a delivery in Postgres, a single statement and COPY, produce the same rows.

use front_door::{Database, Mandrill};
use serde_json::{Value, json};
use stack::{Part, Stack};

/// Everything that a commit writes, except timestamps.
const TABLES: [&str; 6] = [
    "select (to_jsonb(one) - 'received_at')::text from events as one order by id",
    "select encode(digest, 'hex') from event_keys order by 1",
    "select digest::text from late_keys union all select key::text from recent_keys order by 1",
    "select (to_jsonb(one) - 'created_at')::text from notifications as one order by id",
    "select (to_jsonb(one) - 'created_at' - 'event_received_at')::text from outbox as one order by 1",
    "select concat_ws(' ', sum(count), simulated, webhook, kind, outcome, occurred, reason_class, actor) from
       (select simulated, webhook, kind, outcome, occurred, reason_class, actor, count from event_tally_deltas
        union all select simulated, webhook, kind, outcome, occurred, reason_class, actor, count from event_tallies) as one
     where outcome = 'stored' and occurred < '2026-11-01'
     group by simulated, webhook, kind, outcome, occurred, reason_class, actor order by 1",
];

#[tokio::test]
async fn one_statement_and_copy_write_the_same_rows() {
    let elements = elements();
    let repeated: Vec<Value> = elements.iter().chain(&elements[..1]).cloned().collect();
    let one_statement = rows_after(&elements).await;
    // A single statement cannot write a batch with duplicates.
    let copy = rows_after(&repeated).await;
    for (table, rows) in one_statement.iter().enumerate() {
        assert!(!rows.is_empty(), "{}", TABLES[table]);
        assert_eq!(*rows, copy[table], "{}", TABLES[table]);
    }
}

/// Returns the rows of all tables after one delivery. Redis is down so that the row stays in the outbox.
async fn rows_after(elements: &[Value]) -> Vec<String> {
    let mut stack = Stack::start().expect("the stack should start");
    stack.kill(Part::Redis);
    assert_eq!(Mandrill::of(&stack).deliver(elements).await.status, 200);
    let mut database = Database::of(&stack).await;
    let mut rows = Vec::new();
    for table in TABLES {
        rows.push(database.text(table).await);
    }
    rows
}

/// One event of each shape: complete, minimal, with optional fields missing, and with values that need escaping or truncation.
fn elements() -> Vec<Value> {
    let complete = |kind: &str, ts: i64| {
        json!({"event": kind, "ts": ts, "_id": kind, "ip": "198.51.100.7", "user_agent": "Agent\\ 1\t\"2\"",
               "url": "https://example.com/?a=1&b=2", "location": {"country": "Spain", "city": "San Sebasti\u{e1}n"},
               "msg": {"_id": kind, "email": "Ann@example.com", "sender": "shop@example.com", "subject": "Line\nbreak \u{1f389} \\N",
                       "tags": ["a\"b", "c,d", "{e}", "", "null"], "metadata": {"n": 1.50, "t": "x\\ty"}, "template": "welcome",
                       "subaccount": "shop", "diag": "smtp;550 5.1.1 No such user", "bounce_description": "bad_mailbox"}})
    };
    vec![
        complete("open", 1_790_000_003),
        complete("click", 1_790_000_001),
        complete("hard_bounce", 1_790_000_002),
        complete("reject", 1_790_000_004),
        json!({"event": "send", "ts": 1_790_000_005, "msg": {"_id": "minimal"}}),
        json!({"event": "open", "ts": 1_790_000_006, "msg": {"email": "x".repeat(70_000), "subject": "y".repeat(9_000)}}),
        json!({"event": "of the future", "ts": 1_790_000_007, "msg": {"tags": "not an array", "metadata": [1]}}),
        json!({"type": "denylist", "action": "add", "ts": 1_790_000_008, "reject": {"email": "gone@example.net", "reason": "spam"}}),
        json!({"event": "inbound", "ts": 1_790_000_009,
               "msg": {"email": "in@example.com", "from_email": "gus@example.org", "headers": {"Message-Id": "<m@example.org>"}}}),
    ]
}
