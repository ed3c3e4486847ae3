//! What belongs to an erased person is erased everywhere, and nothing that arrives later restores it.

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill, Socket, until, until_readyz};
use reqwest::Method;
use serde_json::{Value, json};
use stack::{Part, Stack};

const ADA: &str = "ada@example.com";
const ERASE: &str = "/api/recipients/ada@example.com/erase";

/// An event of a message to Ada, sent and happened at this Unix time.
fn to_ada(kind: &str, message: &str, at: i64) -> Value {
    let mut event = event(kind, message);
    event["ts"] = json!(at);
    event["ip"] = json!("198.51.100.7");
    event["msg"]["ts"] = json!(at);
    event["msg"]["email"] = json!("Ada@Example.com");
    event["msg"]["subject"] = json!("Dear Ada");
    event["msg"]["metadata"] = json!({"name": "Ada Lovelace"});
    event
}

async fn erase(admin: &ApiClient) -> Value {
    let erased = admin.post(ERASE, &json!({"confirm": ADA})).await;
    assert_eq!(erased.status, 200, "{}", erased.text);
    erased.json()
}

/// No list, history or export contains anything of Ada's.
async fn assert_nothing_of_ada(stack: &Stack, admin: &ApiClient) {
    let paths = [
        "/api/events",
        "/api/notifications",
        "/api/messages/m1",
        "/api/quarantine?state=discarded",
        "/api/rules",
        "/api/views",
        "/api/audit",
        "/api/events/export?format=ndjson",
    ];
    for path in paths {
        let shown = admin.get(path).await.text.to_lowercase();
        assert!(!shown.contains("ada@") && !shown.contains("dear ada") && !shown.contains("lovelace"), "{path}: {shown}");
    }
    assert_eq!(admin.get("/api/recipients/ada@example.com").await.problem(), (410, "erased".to_owned()));
    let mut database = Database::of(stack).await;
    let dump = "select coalesce(string_agg(row::text, ' '), '') from (
                  select events.*::text as row from events union all select notifications.*::text from notifications
                  union all select encode(raw, 'escape') || detail from quarantine) as rows";
    let stored = database.text(dump).await.to_lowercase();
    assert!(!stored.contains("ada@") && !stored.contains("lovelace"), "{stored}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_belongs_to_a_person_is_erased() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let mut socket = Socket::of(&admin).await;
    socket.subscribe(None).await;
    let rules = json!({"rules": [{"kinds": ["open"]}, {"kinds": ["click"], "recipient": ADA}]});
    let put = admin.change(Method::PUT, "/api/rules", &rules).await;
    assert_eq!(put.status, 200, "{}", put.text);
    let view = json!({"name": "Hers", "query": "recipient=Ada%40example.com", "shared": true});
    assert_eq!(admin.post("/api/views", &view).await.status, 201);
    let note = json!({"title": "About ada@example.com", "body": "please look", "to": "all"});
    admin.post("/api/notifications", &note).await;
    // An event of her message that does not name her, and one of another message.
    let mut unnamed = event("click", "m1");
    unnamed["msg"] = json!({"_id": "m1"});
    unnamed["ip"] = json!("198.51.100.7");
    let poison = json!({"event": "", "ts": 5, "msg": {"email": ADA}});
    let other = event("open", "m2");
    let batch = [to_ada("send", "m1", 1_790_000_000), to_ada("open", "m1", 1_790_000_100), unnamed, poison, other];
    assert_eq!(mandrill.deliver(&batch).await.json()["stored"], 4);

    let preview = admin.post(ERASE, &json!({"dry_run": true})).await.json();
    assert_eq!(
        (&preview["events"], &preview["quarantined"], &preview["rules"], &preview["views"]),
        (&json!(3), &json!(1), &json!(1), &json!(1)),
        "{preview}"
    );
    assert_eq!(erase(&admin).await, preview);
    assert_nothing_of_ada(&stack, &admin).await;
    assert_eq!(admin.get("/api/rules").await.json()["rules"].as_array().map(Vec::len), Some(1));
    // Open pages fetch again, and the feed's history has nothing to give to those that reconnect.
    socket.next_of("reset").await;
    let history = stack.redis("EXISTS ml:feed").expect("Redis should respond");
    until("the history of the feed is new", || async {
        let text = stack.redis("XLEN ml:feed").ok()?;
        (text == ":1" || text == ":0" || history == ":0").then_some(())
    })
    .await;
    assert_eq!(
        erase(&admin).await,
        json!({"events": 0, "notifications": 0, "quarantined": 0, "rules": 0, "views": 0, "archived_files": 0})
    );
    assert_eq!(admin.get("/api/stats").await.json()["counts"], json!({"send": 1, "open": 2, "click": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn late_deliveries_restore_nothing_and_new_mail_is_stored() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    assert_eq!(mandrill.deliver(&[to_ada("send", "m1", 1_790_000_000)]).await.json()["stored"], 1);
    erase(&admin).await;
    // Delivered only now, by every way into the store: one statement, COPY, and with poison.
    assert_eq!(mandrill.deliver(&[to_ada("open", "m1", 1_790_000_100)]).await.json()["stored"], 1);
    let mut unnamed = event("click", "m1");
    unnamed["msg"] = json!({"_id": "m1"});
    unnamed["user_agent"] = json!("Ada's telephone, ada@example.com");
    let many: Vec<Value> = (0..600).map(|n| to_ada("delivered", &format!("old{n}"), 1_790_000_000 + n)).collect();
    assert_eq!(mandrill.deliver(&many).await.json()["stored"], 600);
    let inbound = json!({"event": "inbound", "ts": 1_790_000_000, "msg": {"email": "support@example.com", "from_email": ADA,
        "subject": "Ada Lovelace's question", "headers": {"Message-Id": "<1@example.com>"}}});
    let poison = json!({"event": "", "ts": 1_790_000_000, "msg": {"email": ADA}});
    // An open of an old message, today.
    let now =
        Database::of(&stack).await.number("select extract(epoch from now())::bigint").await.expect("there should be a time");
    let mut late_open = to_ada("open", "m9", 1_790_000_000);
    late_open["ts"] = json!(now + 5);
    let batch = [unnamed, inbound, poison.clone(), late_open];
    let receipt = mandrill.deliver(&batch).await.json();
    assert_eq!((&receipt["stored"], &receipt["quarantined"]), (&json!(3), &json!(1)), "{receipt}");
    assert_nothing_of_ada(&stack, &admin).await;
    let open = admin.get("/api/quarantine").await.json();
    assert_eq!(open["items"], json!([]), "{open}");
    let repeat = mandrill.deliver(&batch).await.json();
    assert_eq!((&repeat["stored"], &repeat["duplicates"]), (&json!(0), &json!(3)), "{repeat}");
    let listed = admin.get("/api/events?limit=200").await.json();
    let items = listed["items"].as_array().expect("items should be an array");
    assert!(items.iter().all(|item| item["erased_at"].is_string()), "{listed}");
    assert_eq!(admin.get("/api/stats").await.json()["counts"]["delivered"], 600);
    // Mail that is sent after the erasure is stored like any other.
    assert_eq!(mandrill.deliver(&[to_ada("send", "new", now + 10)]).await.json()["stored"], 1);
    let ada = admin.get("/api/recipients/ada@example.com").await.json();
    assert!(ada["erased_at"].is_string(), "{ada}");
    assert_eq!(ada["messages"][0]["message_id"], "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_can_be_replaced_but_not_lost() {
    let stack = Stack::start_with(&[("SECRET_KEY", "the first key of all")]).expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    assert_eq!(Mandrill::of(&stack).deliver(&[to_ada("send", "m1", 1_790_000_000)]).await.json()["stored"], 1);
    let replica = async |keys: &str| {
        let replica = stack.replica_with("ingest", &[("SECRET_KEY", keys)]).expect("the replica should start");
        let mut mandrill = Mandrill::of(&stack);
        mandrill.to = format!("{}/webhook/", replica.address());
        (replica, mandrill)
    };
    // Started before the erasure, so that they learn of it while they run.
    let ((rotated, to_rotated), (lost, to_lost), (without, _)) =
        (replica("a second key for all, the first key of all").await, replica("a second key for all").await, replica("").await);
    let without_key = reqwest::Client::new()
        .post(format!("{}{ERASE}", without.address()))
        .header("cookie", admin.cookie.clone().unwrap_or_default())
        .header("x-requested-with", "fetch")
        .header("origin", stack.address())
        .json(&json!({"confirm": ADA}))
        .send()
        .await
        .expect("the replica should respond");
    assert_eq!(without_key.status(), 409, "{}", without_key.text().await.unwrap_or_default());
    let doctor = stack.ingest_with(&["doctor"], &[("SECRET_KEY", "")]).expect("a missing key should not fail the doctor");
    assert!(doctor.contains("WARN  secret_key"), "{doctor}");
    erase(&admin).await;

    assert_eq!(to_rotated.deliver(&[to_ada("open", "m2", 1_790_000_000)]).await.json()["stored"], 1);
    assert_nothing_of_ada(&stack, &admin).await;
    assert_eq!(to_lost.deliver(&[to_ada("open", "m3", 1_790_000_000)]).await.problem(), (503, "unknown_key".to_owned()));
    until_readyz(&lost.address(), 503, "secret_key", "unknown").await;
    let failed = stack.ingest_with(&["doctor"], &[("SECRET_KEY", "a second key for all")]).expect_err("the doctor should fail");
    assert!(failed.to_string().contains("FAIL  secret_key"), "{failed}");
    drop((rotated, lost, without));
    assert!(stack.pid(Part::Ingest).is_some());
}
