//! The audit log of reading, and its stream to a file and to a syslog server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill, until};
use serde_json::{Value, json};
use stack::{Part, Stack};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

/// A syslog server over TCP with octet counting. It collects messages.
struct SyslogServer {
    address: String,
    messages: Arc<Mutex<Vec<String>>>,
}

impl SyslogServer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("tcp://{}", listener.local_addr().expect("an address"));
        let messages = Arc::<Mutex<Vec<String>>>::default();
        let collected = Arc::clone(&messages);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let collected = Arc::clone(&collected);
                tokio::spawn(async move {
                    let mut received = Vec::new();
                    while stream.read_buf(&mut received).await.is_ok_and(|count| count > 0) {
                        while let Some(message) = take_message(&mut received) {
                            collected.lock().expect("the messages").push(message);
                        }
                    }
                });
            }
        });
        Self { address, messages }
    }

    /// The entries in the messages, by id.
    fn entries(&self) -> BTreeMap<i64, Value> {
        let messages = self.messages.lock().expect("the messages").clone();
        by_id(messages.iter().map(|message| {
            let (header, entry) = message.split_once(" audit - ").expect("a header");
            assert!(header.starts_with("<109>1 20") && header.contains(" - mandrill-listener "), "{header}");
            entry
        }))
    }
}

/// Takes a complete message from what was received: its length, a blank, and its bytes.
fn take_message(received: &mut Vec<u8>) -> Option<String> {
    let blank = received.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&received[..blank]).expect("a length").parse().expect("a length");
    let end = blank + 1 + length;
    let message = received.get(blank + 1..end)?.to_vec();
    received.drain(..end);
    Some(String::from_utf8(message).expect("UTF-8"))
}

fn by_id<'a>(entries: impl Iterator<Item = &'a str>) -> BTreeMap<i64, Value> {
    let entries = entries.map(|entry| serde_json::from_str::<Value>(entry).expect("JSON"));
    entries.map(|entry| (entry["id"].as_i64().expect("an id"), entry)).collect()
}

/// The lines of the file, each of which must be an entry, and none twice.
fn lines(path: &PathBuf) -> BTreeMap<i64, Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let entries = by_id(text.lines());
    assert_eq!(entries.len(), text.lines().count(), "{text}");
    entries
}

/// What the checks find of the stream.
async fn finding(admin: &ApiClient) -> Value {
    let report = admin.get("/api/system").await.json();
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().find(|finding| finding["check"] == "audit").expect("a finding about the audit log")["state"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_is_recorded_and_streamed_without_addresses() {
    let syslog = SyslogServer::start().await;
    let folder = std::env::temp_dir().join(format!("mandrill-listener-audit-{}", std::process::id()));
    let file = folder.join("audit.ndjson");
    let path = file.to_str().expect("a path").to_owned();
    let settings =
        [("AUDIT_READS", "recipient,export,payload"), ("AUDIT_FILE", path.as_str()), ("AUDIT_SYSLOG", &syslog.address)];
    let mut stack = Stack::start_with(&settings).expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    assert_eq!(admin.get("/api/recipients/ada@example.com").await.status, 404);
    assert_eq!(Mandrill::of(&stack).deliver(&[event("open", "ada"), json!("garbage")]).await.json()["stored"], 1);
    let id = admin.all("/api/events").await[0]["id"].clone();
    let before = admin.all("/api/audit").await.len();
    let token = json!({"name": "reader", "scopes": ["read"]});
    let created = admin.post("/api/tokens", &token).await.json();
    let reader = ApiClient::with_token(&stack, created["token"].as_str().expect("a token"));
    let quarantined = admin.all("/api/quarantine").await[0]["id"].clone();
    for path in [
        "/api/recipients/ada@example.com".to_owned(),
        format!("/api/events/{id}"),
        format!("/api/events/{id}/raw"),
        "/api/events/export?format=ndjson&payload=true&recipient=ada@example.com".to_owned(),
        format!("/api/quarantine/{quarantined}"),
        format!("/api/quarantine/{quarantined}/raw"),
        "/api/events?recipient=ada@example.com".to_owned(),
    ] {
        assert_eq!(reader.get(&path).await.status, 200, "{path}");
    }
    let entries = admin.all("/api/audit").await;
    assert_eq!(entries.len(), before + 7, "{entries:?}");
    let told: Vec<(&Value, &Value)> = entries[..6].iter().rev().map(|entry| (&entry["action"], &entry["detail"])).collect();
    let token = &created["item"]["id"];
    let hmac = &entries[5]["detail"]["hmac"];
    assert_eq!(hmac.as_str().map(str::len), Some(64), "{hmac}");
    assert_eq!(told[0], (&json!("recipient_read"), &json!({"hmac": hmac, "token": token})));
    assert_eq!(told[1], (&json!("payload_read"), &json!({"event": id, "token": token})));
    let export = json!({"format": "ndjson", "payload": true, "conditions": ["recipient"], "hmac": hmac, "token": token});
    assert_eq!(told[3], (&json!("events_exported"), &export));
    assert_eq!(told[5], (&json!("payload_read"), &json!({"quarantined": quarantined, "token": token})));
    let about = admin.all("/api/audit?recipient=ADA%40example.com").await;
    assert_eq!(about.len(), 2, "{about:?}");
    assert_eq!(admin.all("/api/audit?recipient=bob%40example.com").await.len(), 0);

    // The folder does not exist yet, so nothing is written; once it does, everything is, the entries of before as well.
    assert!(lines(&file).is_empty());
    let mut database = Database::of(&stack).await;
    database.run("update audit set at = now() - interval '2 minutes' where id = (select max(id) from audit)").await;
    assert_eq!(finding(&admin).await, "warn");
    std::fs::create_dir(&folder).expect("a folder");
    let count = entries.len();
    until("all entries", || async { (lines(&file).len() == count && syslog.entries().len() == count).then_some(()) }).await;
    assert_eq!(finding(&admin).await, "ok");
    let streamed = lines(&file);
    assert_eq!(streamed, syslog.entries());
    let last = streamed.values().next_back().expect("an entry");
    assert_eq!((&last["action"], &last["user_email"]), (&json!("payload_read"), &json!(stack.settings().admin_email)));
    assert!(!format!("{:?}", streamed.values().map(|entry| &entry["detail"]).collect::<Vec<_>>()).contains('@'));

    // After a kill and a rotation, the stream goes on where it was.
    stack.kill(Part::Ingest);
    std::fs::rename(&file, folder.join("audit.1")).expect("the file should be renamed");
    stack.restart(Part::Ingest).expect("ingest should start");
    assert_eq!(reader.get(&format!("/api/events/{id}")).await.status, 200);
    until("the next entry", || async { (lines(&file).len() == 1 && syslog.entries().len() == count + 1).then_some(()) }).await;
    std::fs::remove_dir_all(&folder).expect("the folder should be removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recorded_is_not_shown() {
    let stack = Stack::start_with(&[("AUDIT_READS", "payload")]).expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    assert_eq!(Mandrill::of(&stack).deliver(&[event("open", "ada")]).await.json()["stored"], 1);
    let id = admin.all("/api/events").await[0]["id"].clone();
    let mut database = Database::of(&stack).await;
    database.run("alter table audit add constraint full_disk check (action <> 'payload_read')").await;
    let refused = admin.get(&format!("/api/events/{id}")).await;
    assert!(refused.status.is_server_error(), "{}", refused.text);
    assert!(!refused.text.contains("ada"), "{}", refused.text);
    // What is not asked for is shown and not recorded.
    assert_eq!(admin.get("/api/recipients/ada@example.com").await.status, 200);
    assert!(admin.all("/api/audit").await.iter().all(|entry| entry["action"] != "recipient_read"));
}
