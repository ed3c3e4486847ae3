//! The archive in a real S3 server, read by DuckDB. Both are installed by `make test`; see `tools/archive.txt`.

use std::fs;
use std::path::Path;
use std::process::Command;

use front_door::{Database, ObjectStorage, Proxy, ProxyMode, SmallDisk};
use stack::Stack;

/// Events by kind and day, as Postgres and DuckDB both write them.
const COUNTS: &str = "select string_agg(line, ' ' order by line) from (
    select kind || '/' || strftime(received_at, '%Y-%m-%d') || '=' || count(*) as line from events group by kind, strftime(received_at, '%Y-%m-%d')) as days";
/// The name of the partition that holds the events.
const NAME: &str = "select 'events_' || to_char(now() - interval '3 months', 'YYYY_MM')";

/// A database with events of three months ago, which are to be archived.
async fn expired_events(rows: u32) -> (Stack, Database) {
    let stack = Stack::start().expect("the stack should start");
    let mut database = Database::of(&stack).await;
    database.fill_events(rows).await;
    // They are spread over last month.
    database.move_events("true", 2, 3).await;
    database.run("update events set digest = md5(id::text)::uuid").await;
    (stack, database)
}

/// Runs a command of ingest with these settings. Returns what it printed, or why it failed.
fn run(stack: &Stack, arguments: &[&str], settings: &[(&'static str, String)]) -> Result<String, String> {
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let settings = [&settings[..], &[("RETENTION_DAYS", "30")]].concat();
    stack.ingest_with(arguments, &settings).map_err(|error| error.to_string())
}

/// Asks DuckDB about the files below a folder, as the table `events`. The answer is one text.
fn duckdb(folder: &Path, question: &str) -> String {
    let program = "import duckdb, sys
duckdb.execute(f\"set timezone = 'UTC'; create view events as from read_parquet('{sys.argv[1]}/**/*.parquet', hive_partitioning = true)\")
print(duckdb.execute(sys.argv[2]).fetchall()[0][0])";
    let python = Command::new(ObjectStorage::programs().join("python")).args(["-c", program]).arg(folder).arg(question).output();
    let output = python.expect("Python should run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the programs of tools/archive.txt"]
async fn duckdb_finds_in_the_bucket_what_postgres_had() {
    let rows = if std::env::var_os("SOAK").is_some() { 1_000_000 } else { 10_000 };
    let (stack, mut database) = expired_events(rows).await;
    let storage = ObjectStorage::start(&stack.folder().join("storage")).await;
    let days = COUNTS.replace("strftime(received_at, '%Y-%m-%d')", "to_char(received_at, 'YYYY-MM-DD')");
    let expected = database.text(&days).await;
    assert!(expected.contains("open/"), "{expected}");
    let recipient = database.text("select recipient from events order by id limit 1").await;
    let of_recipient = database.text(&format!("select count(*)::text from events where recipient = '{recipient}'")).await;

    run(&stack, &["retention"], &storage.settings()).expect("the events should be archived and dropped");
    assert_eq!(database.count("events").await, 0);
    let folder = stack.folder().join("copies");
    for path in database.text("select string_agg(path, ' ') from archived_files").await.split(' ') {
        let target = folder.join(path);
        fs::create_dir_all(target.parent().expect("a folder")).expect("the folder should be created");
        let content = reqwest::get(storage.file_url(&format!("archive/{path}"))).await.expect("the file should be read");
        fs::write(target, content.bytes().await.expect("the file should be whole")).expect("the copy should be written");
    }
    assert_eq!(duckdb(&folder, COUNTS), expected);
    assert_eq!(duckdb(&folder, &format!("select count(*) from events where recipient = '{recipient}'")), of_recipient);
    let types =
        "select typeof(received_at) || ' ' || typeof(tags) || ' ' || typeof(digest) || ' ' || typeof(year) from events limit 1";
    assert_eq!(duckdb(&folder, types), "TIMESTAMP WITH TIME ZONE VARCHAR[] UUID BIGINT");
    let in_payload = "select count(*) from events where json_extract_string(payload, '$.msg.email') = recipient";
    assert_eq!(duckdb(&folder, in_payload), rows.to_string());

    let name = database.text(NAME).await;
    run(&stack, &["archive", "restore", &name], &storage.settings()).expect("the events should be restored");
    assert_eq!(database.text(&days).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the programs of tools/archive.txt"]
async fn a_storage_that_refuses_lies_or_is_full_loses_nothing() {
    let mut disk = SmallDisk::default();
    let (stack, mut database) = expired_events(1_000).await;
    let folder = stack.folder().join("storage");
    fs::create_dir(&folder).expect("the folder should be created");
    let is_small = disk.mount(&folder);
    let storage = ObjectStorage::start(&folder).await;
    let alarm = "select detail from alarms where name = 'archive' and raised";

    let mut wrong = storage.settings();
    wrong.push(("ARCHIVE_SECRET_ACCESS_KEY", "another secret".to_owned()));
    let error = run(&stack, &["upkeep"], &wrong).expect_err("a wrong key should fail");
    assert!(error.contains("refused the credentials: SignatureDoesNotMatch") && !error.contains("another secret"), "{error}");
    assert!(database.text(alarm).await.contains("refused the credentials"));

    let proxy = Proxy::to(storage.port()).await;
    proxy.set_mode(ProxyMode::Garble);
    let mut lying = storage.settings();
    lying.push(("ARCHIVE_ENDPOINT", format!("http://127.0.0.1:{}", proxy.port())));
    let error = run(&stack, &["retention"], &lying).expect_err("a file that is read otherwise should fail");
    assert!(error.contains("is not read as it was written"), "{error}");
    proxy.set_mode(ProxyMode::Cut);
    let error = run(&stack, &["retention"], &lying).expect_err("a storage that is away should fail");
    assert!(error.contains("the storage failed"), "{error}");

    if is_small {
        disk.fill();
        let error = run(&stack, &["retention"], &storage.settings()).expect_err("a full bucket should fail");
        assert!(error.contains("the storage failed"), "{error}");
        disk.free();
    }
    assert_eq!(database.count("events").await, 1_000);
    run(&stack, &["upkeep"], &storage.settings()).expect("the events should be archived and dropped");
    assert_eq!(database.count("events").await, 0);
    assert_eq!(database.count("alarms where raised").await, 0);
}
