//! Expired partitions become Parquet files before they are dropped, and can be restored.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill, Rng};
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::{Value, json};
use stack::Stack;

const KEY: &str = "a key of this test alone";
/// All columns but those that say how the payload is stored.
const ROWS: &str = "select coalesce(string_agg((to_jsonb(events) - 'payload' - 'payload_frame')::text, E'\\n' order by received_at, id), '') from events";
/// The name of the partition that `age_events(3)` fills.
const NAME: &str = "select 'events_' || to_char(now() - interval '3 months', 'YYYY_MM')";

/// A stack whose events are archived in a folder of its own.
struct Archived {
    stack: Stack,
    folder: PathBuf,
    url: String,
}

impl Archived {
    fn start() -> Self {
        let stack = Stack::start_with(&[("SECRET_KEY", KEY)]).expect("the stack should start");
        let folder = stack.folder().join("archive");
        let url = format!("file://{}", folder.display());
        Self { stack, folder, url }
    }

    fn settings(&self) -> [(&str, &str); 3] {
        [("RETENTION_DAYS", "30"), ("ARCHIVE_URL", &self.url), ("SECRET_KEY", KEY)]
    }

    fn run(&self, arguments: &[&str]) -> String {
        self.stack.ingest_with(arguments, &self.settings()).expect("the command should succeed")
    }

    fn fail(&self, arguments: &[&str]) -> String {
        self.stack.ingest_with(arguments, &self.settings()).expect_err("the command should fail").to_string()
    }

    /// Each row of each file, as text.
    fn rows(&self) -> Vec<String> {
        let rows = files(&self.folder).into_iter().flat_map(|path| {
            let file =
                SerializedFileReader::new(fs::File::open(path).expect("the file should open")).expect("it should be Parquet");
            let rows = file.get_row_iter(None).expect("the file should have rows");
            rows.map(|row| row.expect("a row should be readable").to_string()).collect::<Vec<_>>()
        });
        rows.collect()
    }
}

/// The Parquet files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("the entry should be readable").path());
    let mut files: Vec<PathBuf> = paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    files.sort_unstable();
    files
}

async fn payloads(admin: &ApiClient, events: &[Value]) -> Vec<String> {
    let mut payloads = Vec::new();
    for event in events {
        payloads.push(admin.get(&format!("/api/events/{}/payload", event["id"])).await.text);
    }
    payloads
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_month_is_restored_as_it_was_and_repeats_stay_repeats() {
    let archived = Archived::start();
    let stack = &archived.stack;
    let (admin, mandrill, mut database) = (ApiClient::admin(stack).await, Mandrill::of(stack), Database::of(stack).await);
    let mut events: Vec<Value> = (0..30).map(|n| event(["open", "click", "send"][n % 3], &format!("m{n}"))).collect();
    let mut large = event("inbound", "large");
    large["msg"]["text"] = json!("x".repeat(2 << 20));
    let mut nameless = event("open", "");
    nameless["msg"]["_id"] = json!("");
    let entry = json!({"type": "whitelist", "action": "add", "ts": 1_790_000_000, "reject": {"email": "\u{e9}@example.com"}});
    events.extend([large, nameless, entry]);
    assert_eq!(mandrill.deliver(&events).await.json()["stored"], 33);
    database.age_events(3).await;
    let (rows, name) = (database.text(ROWS).await, database.text(NAME).await);
    let listed = admin.all("/api/events").await;
    let payloads_before = payloads(&admin, &listed).await;
    let counts = admin.get("/api/stats").await.json()["counts"].clone();

    let output = archived.run(&["retention"]);
    assert!(output.contains(&format!("dropped {name};")), "{output}");
    assert_eq!(admin.all("/api/events").await.len(), 0);
    assert_eq!(mandrill.deliver(&events).await.json()["duplicates"], 33, "repeats of dropped events should be known");
    let list = archived.run(&["archive", "list"]);
    assert!(list.starts_with(&format!("{name}  33 events")), "{list}");
    let month = name.trim_start_matches("events_").replace('_', "-");
    assert!(archived.run(&["archive", "verify", &month]).contains("33 events are as they were written"));

    let output = archived.run(&["archive", "restore", &month]);
    assert!(output.contains(&format!("restored 33 events of {name}")), "{output}");
    assert_eq!(database.text(ROWS).await, rows);
    assert_eq!(payloads(&admin, &admin.all("/api/events").await).await, payloads_before);
    assert_eq!(admin.get("/api/stats").await.json()["counts"], counts, "restoring should count nothing");
    assert_eq!(database.count("outbox").await, 0, "restoring should notify nobody");
    assert!(
        !admin.get("/api/events?q=letter").await.json()["items"].as_array().expect("a list").is_empty(),
        "restored events are searched"
    );
    assert!(archived.fail(&["archive", "restore", &month]).contains("nothing to restore"));
    // The 30 days for which keys outlive dropped events do not matter while the events are there.
    database.run("update retired_partitions set retired_at = retired_at - interval '40 days'").await;
    let output = archived.run(&["retention"]);
    assert!(output.contains("dropped no partition"), "{output}");
    assert_eq!(mandrill.deliver(&events).await.json()["duplicates"], 33, "repeats of restored events should be known");

    assert!(archived.run(&["archive", "drop", &name]).contains(&format!("dropped {name}")));
    assert_eq!(admin.all("/api/events").await.len(), 0);
    assert_eq!(mandrill.deliver(&events).await.json()["duplicates"], 33);
    assert!(archived.fail(&["archive", "drop", &name]).contains("not restored"));
    assert!(archived.fail(&["archive", "verify", "2001-01"]).contains("nothing of 2001-01 is archived"));
    archived.run(&["archive", "restore", &name]);
    assert_eq!(database.text(ROWS).await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_cannot_be_archived_is_kept_and_admins_are_told() {
    let archived = Archived::start();
    let (admin, mandrill, mut database) =
        (ApiClient::admin(&archived.stack).await, Mandrill::of(&archived.stack), Database::of(&archived.stack).await);
    assert_eq!(mandrill.deliver(&[event("send", "m1")]).await.json()["stored"], 1);
    database.age_events(3).await;
    // A file is in the way of the folder, as a bucket that takes nothing.
    fs::create_dir_all(&archived.folder).expect("the folder should be created");
    fs::write(archived.folder.join("events"), "in the way").expect("the file should be written");
    let folder = archived.folder.join("probe");
    fs::create_dir(&folder).expect("the folder should be created");
    let output = archived.fail(&["doctor"]);
    assert!(output.contains("FAIL  archive") && output.contains("the storage failed (write probe)"), "{output}");
    fs::remove_dir(&folder).expect("the folder should be removed");
    let output = archived.fail(&["retention"]);
    assert!(output.contains("was not archived and is kept, because the storage failed"), "{output}");
    archived.fail(&["upkeep"]);
    assert_eq!(admin.all("/api/events").await.len(), 1);
    let alarms = "select string_agg(title, ', ' order by id) from notifications where kind = 'alert' and title like '%archive%'";
    assert_eq!(database.text(alarms).await, "The archive does not work");

    fs::remove_file(archived.folder.join("events")).expect("the file should be removed");
    archived.run(&["upkeep"]);
    let doctor = archived.run(&["doctor"]);
    assert!(doctor.contains("Files can be written to the archive and read."), "{doctor}");
    assert_eq!(admin.all("/api/events").await.len(), 0);
    assert_eq!(database.text(alarms).await, "The archive does not work, Resolved: The archive does not work");
    assert_eq!(archived.rows().len(), 1);

    // A file that somebody changed is not restored.
    let file = files(&archived.folder).pop().expect("there should be a file");
    let content = fs::read(&file).expect("the file should be readable");
    fs::write(&file, [&content[..], b"x"].concat()).expect("the file should be written");
    let output = archived.fail(&["archive", "verify"]);
    assert!(output.contains("1 partitions are damaged"), "{output}");
    let name = database.text(NAME).await;
    let output = archived.fail(&["archive", "restore", &name]);
    assert!(output.contains("does not contain what was written"), "{output}");
    assert_eq!(admin.all("/api/events").await.len(), 0);
    fs::write(&file, content).expect("the file should be written");
    archived.run(&["archive", "restore", &name]);
    assert_eq!(admin.all("/api/events").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_was_detached_before_there_was_an_archive_is_archived() {
    let archived = Archived::start();
    let (mandrill, mut database) = (Mandrill::of(&archived.stack), Database::of(&archived.stack).await);
    assert_eq!(mandrill.deliver(&[event("send", "m1")]).await.json()["stored"], 1);
    database.age_events(3).await;
    let name = database.text(NAME).await;
    database.run(&format!("alter table events detach partition {name}")).await;
    archived.run(&["retention"]);
    assert_eq!(archived.rows().len(), 1);

    // Events that come to lie in an archived month afterwards are not in its files.
    assert_eq!(mandrill.deliver(&[event("send", "m2")]).await.json()["stored"], 1);
    database.age_events(3).await;
    let output = archived.fail(&["retention"]);
    assert!(output.contains("the files contain 1 events of 1, or others than the partition"), "{output}");
    assert_eq!((database.count("events").await, archived.rows().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn erased_people_leave_the_files_and_stay_erased_when_restored() {
    let archived = Archived::start();
    let stack = &archived.stack;
    let (admin, mandrill, mut database) = (ApiClient::admin(stack).await, Mandrill::of(stack), Database::of(stack).await);
    let to = |address: &str, kind: &str, message: &str| {
        let mut event = event(kind, message);
        event["msg"]["email"] = json!(address);
        event["msg"]["subject"] = json!(format!("Dear {address}"));
        event
    };
    // An event of her message that does not name her is in another month than the one that does.
    let mut unnamed = event("click", "m1");
    unnamed["msg"] = json!({"_id": "m1"});
    unnamed["url"] = json!("https://example.com/for-eva");
    assert_eq!(
        mandrill.deliver(&[to("Eva@example.com", "send", "m1"), to("bo@example.com", "send", "m2")]).await.json()["stored"],
        2
    );
    database.move_events("kind = 'send'", 4, 4).await;
    assert_eq!(mandrill.deliver(&[unnamed]).await.json()["stored"], 1);
    database.move_events("kind = 'click'", 3, 3).await;
    let mut inbound = to("support@example.com", "inbound", "m3");
    inbound["msg"]["from_email"] = json!("eva@example.com");
    assert_eq!(mandrill.deliver(&[inbound.clone()]).await.json()["stored"], 1);
    assert!(archived.run(&["retention"]).contains("_"));
    let before = archived.rows();
    assert_eq!(before.len(), 3);
    assert!(before.iter().any(|row| row.contains("Eva@example.com")) && before.iter().any(|row| row.contains("for-eva")));

    let erased = admin.post("/api/recipients/eva@example.com/erase", &json!({"confirm": "eva@example.com"})).await;
    assert_eq!((&erased.json()["events"], &erased.json()["archived_files"]), (&json!(1), &json!(2)), "{}", erased.text);
    let other_key = [("ARCHIVE_URL", archived.url.as_str()), ("SECRET_KEY", "another key of this test")];
    let error = stack.ingest_with(&["archive", "erase"], &other_key).expect_err("nobody can be found without the key");
    assert!(error.to_string().contains("SECRET_KEY lacks a key"), "{error}");
    // A file that is missing does not keep people in the others.
    let click = files(&archived.folder).pop().expect("there should be files");
    fs::rename(&click, click.with_extension("away")).expect("the file should be moved");
    assert!(archived.fail(&["archive", "erase"]).contains("does not have it"));
    fs::rename(click.with_extension("away"), &click).expect("the file should be moved back");
    let text = archived.rows().join("\n");
    assert!(!text.contains("Eva@example.com") && text.contains("for-eva"), "{text}");
    assert!(archived.run(&["archive", "erase"]).contains("wrote 1 files again"));
    let after = archived.rows();
    assert_eq!(after.len(), 3);
    let text = after.join("\n").to_lowercase();
    assert!(!text.contains("eva") && text.contains("bo@example.com"), "{text}");
    assert!(archived.run(&["archive", "erase"]).contains("wrote 0 files again"));
    archived.run(&["archive", "verify"]);

    for line in archived.run(&["archive", "list"]).lines() {
        let name = line.split("  ").next().expect("a name");
        archived.run(&["archive", "restore", name]);
    }
    let rows = database.text(ROWS).await.to_lowercase();
    assert!(!rows.contains("eva") && rows.contains("bo@example.com"), "{rows}");
    assert_eq!(database.count("events where erased_at is not null").await, 3);
    assert_eq!(mandrill.deliver(&[to("Eva@example.com", "send", "m1"), inbound]).await.json()["duplicates"], 2);

    // Files that are deleted on purpose are forgotten, and then nobody misses them.
    let name = database.text(NAME).await;
    assert!(archived.fail(&["archive", "forget", &name]).contains("is restored"));
    archived.run(&["archive", "drop", &name]);
    assert!(archived.fail(&["archive", "forget", &name]).contains("still exists"));
    fs::remove_file(&click).expect("the file should be removed");
    assert!(archived.fail(&["archive", "verify"]).contains("1 partitions are damaged or could not be read"));
    assert!(archived.run(&["archive", "forget", &name]).contains(&format!("forgot {name}")));
    archived.run(&["archive", "verify"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_kills_the_process_loses_and_doubles_nothing() {
    let archived = Archived::start();
    let mut database = Database::of(&archived.stack).await;
    let rows = if std::env::var_os("SOAK").is_some() { 1_000_000 } else { 10_000 };
    database.fill_events(rows).await;
    database.move_events("true", 2, 3).await;
    database.run("update events set digest = md5(id::text)::uuid").await;
    let name = database.text(NAME).await;
    let exists = format!("select count(*) from pg_class where relname = '{name}'");
    let expected = database.text("select concat_ws(' ', count(*), count(distinct id), min(id), max(id)) from events").await;
    let (mut random, longest) = (Rng::new(8), if rows > 10_000 { 20_000 } else { 1_200 });
    for _ in 0..10 {
        let mut command = archived.stack.command("ingest").expect("the command should be found");
        let mut process = command.arg("retention").envs(archived.settings()).spawn().expect("the command should start");
        tokio::time::sleep(Duration::from_millis(100 + random.below(longest) as u64)).await;
        process.kill().expect("the process should be killed");
        process.wait().expect("the process should end");
        let dropped = database.number(&exists).await == Some(0);
        let whole = database.count("archived_partitions where archived_at is not null").await == 1;
        assert!(whole || !dropped, "nothing should be dropped that is not archived as a whole");
    }
    archived.run(&["retention"]);
    assert_eq!(database.number(&exists).await, Some(0));
    archived.run(&["archive", "verify"]);
    assert_eq!(archived.rows().len(), usize::try_from(rows).expect("a number"));
    archived.run(&["archive", "restore", &name]);
    assert_eq!(
        database.text("select concat_ws(' ', count(*), count(distinct id), min(id), max(id)) from events").await,
        expected
    );
}
