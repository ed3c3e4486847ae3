//! Restoring Postgres from backups: what is stored afterwards, what pages show, and what a second delivery stores.

use std::path::Path;

use front_door::delivery::event;
use front_door::{ApiClient, Database, Follower, Mandrill, until};
use serde_json::Value;
use stack::{Part, Stack};

const BATCH: usize = 1_000;

fn batch(number: usize) -> Vec<Value> {
    (0..BATCH).map(|n| event("open", &format!("m{number}-{n}"))).collect()
}

async fn deliver(mandrill: &Mandrill, batches: &[Vec<Value>]) -> (u64, u64) {
    let (mut stored, mut duplicates) = (0, 0);
    for batch in batches {
        // Mandrill, too, posts again what was answered with 503.
        let receipt = until("the batch is accepted", || async {
            let response = mandrill.deliver(batch).await;
            assert!(matches!(response.status.as_u16(), 200 | 503), "{}", response.text);
            (response.status == 200).then_some(response)
        })
        .await;
        stored += receipt.json()["stored"].as_u64().unwrap_or_default();
        duplicates += receipt.json()["duplicates"].as_u64().unwrap_or_default();
    }
    (stored, duplicates)
}

/// What is stored, as one text.
async fn contents(database: &mut Database) -> String {
    database.text("select count(*) || ' ' || md5(string_agg(events::text, ',' order by id)) from events").await
}

/// Follows until the client has exactly what is stored.
async fn until_equal(follower: &mut Follower, stack: &Stack) {
    let stored = Database::of(stack).await.ids("select id from events").await;
    follower.follow_until(|follower| follower.events.keys().copied().eq(stored.iter().copied())).await;
}

/// Writes to a file of Postgres, which may belong to another user.
fn append(path: &Path, text: &str) {
    let old = std::fs::read_to_string(path).unwrap_or_default();
    std::fs::write(path, format!("{old}\n{text}\n")).expect("the file should be written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_to_a_moment_has_what_was_committed_then_and_takes_the_rest_again() {
    let mut stack = Stack::start().expect("the stack should start");
    let (mandrill, folder) = (Mandrill::of(&stack), stack.folder().to_owned());
    let admin = ApiClient::admin(&stack).await;
    let archive = folder.join("postgres/archive");
    let mut database = Database::of(&stack).await;
    database.run("alter system set archive_mode = on").await;
    database.run(&format!("alter system set archive_command = 'mkdir -p {0} && cp %p {0}/%f'", archive.display())).await;
    stack.restart(Part::Postgres).expect("Postgres should restart");
    let batches: Vec<Vec<Value>> = (0..20).map(batch).collect();
    let mut follower = Follower::new(admin.clone());
    follower.connect().await;

    assert_eq!(deliver(&mandrill, &batches[..10]).await, (10_000, 0));
    stack.base_backup(&folder.join("backup")).expect("the backup should succeed");
    assert_eq!(deliver(&mandrill, &batches[10..15]).await, (5_000, 0));
    let mut database = Database::of(&stack).await;
    let (then, moment) = (contents(&mut database).await, database.text("select clock_timestamp()::text").await);
    assert_eq!(deliver(&mandrill, &batches[15..]).await, (5_000, 0));
    until_equal(&mut follower, &stack).await;
    assert_eq!(follower.events.len(), 20_000);
    let segment = database.text("select pg_walfile_name(pg_switch_wal())").await;
    database
        .until("the log is archived", &format!("select (last_archived_wal >= '{segment}')::int::bigint from pg_stat_archiver"))
        .await;

    // The server is lost, but not the archive.
    stack.kill(Part::Postgres);
    let kept = folder.join("archive");
    std::fs::rename(&archive, &kept).expect("the archive should be moved");
    std::fs::rename(folder.join("postgres"), folder.join("lost")).expect("the data should be moved");
    std::fs::rename(folder.join("backup"), folder.join("postgres")).expect("the backup should be moved");
    append(&folder.join("postgres/recovery.signal"), "");
    append(
        &folder.join("postgres/postgresql.auto.conf"),
        &format!(
            "archive_mode = off\nrestore_command = 'cp {}/%f %p'\nrecovery_target_time = '{moment}'\nrecovery_target_action = 'promote'",
            kept.display()
        ),
    );
    stack.restart(Part::Postgres).expect("Postgres should start from the backup");
    let mut database = Database::of(&stack).await;
    database.until("the restore has finished", "select (not pg_is_in_recovery())::int::bigint").await;
    assert_eq!(contents(&mut database).await, then);
    let refetches = follower.refetches;
    until_equal(&mut follower, &stack).await;
    assert!(follower.refetches > refetches && follower.events.len() == 15_000);
    let doctor = stack.ingest(&["doctor", "--after-restore"]).expect("no check should fail");
    assert!(doctor.contains("The database was restored to 20") && doctor.contains("messages/search"), "{doctor}");

    assert_eq!(deliver(&mandrill, &batches).await, (5_000, 15_000));
    assert_eq!(database.count("events").await, 20_000);
    assert_eq!(database.count("(select distinct kind, message_id from events) as each").await, 20_000);
    until_equal(&mut follower, &stack).await;
    assert_eq!(admin.get("/api/stats").await.json()["counts"]["open"], 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_dump_makes_pages_fetch_again_and_repeats_stay_repeats() {
    let stack = Stack::start().expect("the stack should start");
    // The session must be older than the backup.
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let batches: Vec<Vec<Value>> = (0..3).map(batch).collect();
    assert_eq!(deliver(&mandrill, &batches[..1]).await, (1_000, 0));
    let dump = stack.folder().join("dump");
    let run = |name: &str, arguments: &[&str]| {
        stack.run_postgres_program(name, arguments).expect("the program should succeed");
    };
    let path = dump.display().to_string();
    run("pg_dump", &["--format", "custom", "--file", &path]);
    let mut follower = Follower::new(admin);
    follower.connect().await;
    assert_eq!(deliver(&mandrill, &batches[1..2]).await, (1_000, 0));
    until_equal(&mut follower, &stack).await;

    let refetches = follower.refetches;
    run("psql", &["-d", "postgres", "-c", "drop database mandrill with (force)"]);
    run("pg_restore", &["--create", "--exit-on-error", "-d", "postgres", &path]);
    assert_eq!(Database::of(&stack).await.count("events").await, 1_000);
    until_equal(&mut follower, &stack).await;
    assert!(follower.refetches > refetches);
    assert_eq!(deliver(&mandrill, &batches).await, (2_000, 1_000));
    until_equal(&mut follower, &stack).await;
    let doctor = stack.ingest(&["doctor", "--after-restore"]).expect("no check should fail");
    assert!(doctor.contains("what was accepted after that is missing"), "{doctor}");
}
