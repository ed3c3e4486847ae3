//! `ingest migrate` adopts version 0.1.0 databases, rejects databases it does not recognise, and runs one at a time.

use std::path::PathBuf;
use std::process::Command;

use front_door::Database;
use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection};
use stack::Stack;

/// A server with only Postgres, in which tests create databases.
struct Server {
    stack: Stack,
}

impl Server {
    fn start() -> Self {
        Self { stack: Stack::start_postgres().expect("Postgres should start") }
    }

    fn url(&self, database: &str) -> String {
        let url = self.stack.database_url();
        let (server, _) = url.rsplit_once('/').expect("the URL should include a database");
        format!("{server}/{database}")
    }

    async fn create(&self, database: &str) {
        Database::of(&self.stack).await.run(&format!("create database {database}")).await;
    }

    /// Creates a database and applies the first `count` migrations of version 0.1.0.
    async fn create_legacy(&self, database: &str, count: usize) -> Database {
        self.create(database).await;
        let mut connection = PgConnection::connect(&self.url(database)).await.expect("Postgres should accept the connection");
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/migrations-0.1.0");
        let mut migrator = Migrator::new(folder).await.expect("the fixtures should be readable");
        migrator.migrations.to_mut().truncate(count);
        migrator.run(&mut connection).await.expect("the old migrations should succeed");
        Database::at(&self.url(database)).await
    }

    fn migrate_command(&self, database: &str) -> Command {
        let mut command = self.stack.command("ingest").expect("ingest should be built");
        command.arg("migrate").env("DATABASE_URL", self.url(database)).env("DATABASE_OWNER_URL", "");
        command
    }

    /// Runs a migration and returns its log if it fails, or an empty string otherwise.
    fn migrate(&self, database: &str) -> String {
        let output = self.migrate_command(database).output().expect("ingest should run");
        if output.status.success() { String::new() } else { String::from_utf8_lossy(&output.stderr).into_owned() }
    }

    /// The schema as dumped by `pg_dump`, without parts that depend on the column order or the current month, and without the
    /// extension that version 0.1.0 leaves unused.
    fn schema(&self, database: &str) -> String {
        let mut command = self.stack.postgres_program("pg_dump");
        command.args([
            "--schema-only",
            "--no-owner",
            "--no-privileges",
            "--exclude-table=_sqlx_migrations",
            "--exclude-extension=pg_trgm",
        ]);
        command.args(["--exclude-table=events_[0-9][0-9][0-9][0-9]_[0-9][0-9]", database]);
        let output = command.output().expect("pg_dump should run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).split("\n--\n").map(normalize).collect::<Vec<_>>().join("\n")
    }
}

/// Sorts the columns of a table, because version 0.1.0 added some of them at the end. Removes the key that is unique to each dump.
fn normalize(section: &str) -> String {
    let mut lines: Vec<&str> = section
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"))
        .map(|line| line.trim_end_matches(','))
        .collect();
    if lines.iter().any(|line| line.starts_with("CREATE TABLE")) {
        lines.sort_unstable();
    }
    lines.join("\n")
}

/// The rows of a table, without the columns that a later version added.
async fn rows(database: &mut Database, table: &str) -> String {
    database
        .text(&format!("select (to_jsonb(one) - '{{restriction,addresses}}'::text[])::text from {table} as one order by 1"))
        .await
}

#[tokio::test]
async fn a_database_of_version_0_1_0_is_adopted() {
    let server = Server::start();
    server.create("fresh").await;
    assert_eq!(server.migrate("fresh"), "");
    let mut old = server.create_legacy("old", 19).await;
    old.run("insert into users (email, password_hash, role) values ('ann@example.com', 'none', 'viewer')").await;
    let users = rows(&mut old, "users").await;

    assert_eq!(server.migrate("old"), "");
    assert_eq!(rows(&mut old, "users").await, users);
    assert_eq!(server.schema("old"), server.schema("fresh"));
    let applied = "(select version, description, success, encode(checksum, 'hex') from _sqlx_migrations)";
    let mut fresh = Database::at(&server.url("fresh")).await;
    assert_eq!(rows(&mut old, applied).await, rows(&mut fresh, applied).await);

    let before = rows(&mut old, "_sqlx_migrations").await;
    assert_eq!(server.migrate("old"), "", "a second migration should have nothing to do");
    assert_eq!(rows(&mut old, "_sqlx_migrations").await, before);
}

#[tokio::test]
async fn a_database_of_another_version_is_refused_unchanged() {
    let server = Server::start();
    let cases = [
        ("too_old", 18, "", "run `ingest migrate` from version 0.1.0 first"),
        (
            "modified",
            19,
            "update _sqlx_migrations set checksum = '\\x00' where version = 20261125000003",
            "migration 20261125000003 differs",
        ),
        (
            "unknown_migration",
            19,
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (20261127000001, 'x', true, '', 0)",
            "migration 20261127000001 belongs to no version",
        ),
        (
            "newer",
            19,
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (21000101000001, 'x', true, '', 0)",
            "migrated by a newer version",
        ),
    ];
    for (name, count, change, message) in cases {
        let mut database = server.create_legacy(name, count).await;
        database.run(change).await;
        let (migrations, schema) = (rows(&mut database, "_sqlx_migrations").await, server.schema(name));
        let log = server.migrate(name);
        assert!(log.contains(message), "{name}: {log}");
        assert_eq!(rows(&mut database, "_sqlx_migrations").await, migrations, "{name}");
        assert_eq!(server.schema(name), schema, "{name}");
    }
}

/// Comments of this file were reworded shortly after the release.
#[tokio::test]
async fn a_database_of_the_release_of_version_0_2_0_is_migrated() {
    let server = Server::start();
    server.create("new").await;
    assert_eq!(server.migrate("new"), "");
    let mut database = Database::at(&server.url("new")).await;
    let applied = "(select version, encode(checksum, 'hex') from _sqlx_migrations)";
    let present = rows(&mut database, applied).await;
    let released = "83e238436301861bad8fddd3acfa0f70beab4e53a9e876be93d9cf11f11a72ac61f41275075b43ee44fbb38bbf42180f";
    let set = |checksum: &str| format!("update _sqlx_migrations set checksum = '\\x{checksum}' where version = 20261129000002");
    database.run(&set(released)).await;
    assert_eq!(server.migrate("new"), "");
    assert_eq!(rows(&mut database, applied).await, present);
    database.run(&set("00")).await;
    assert!(server.migrate("new").contains("has been modified"));
}

#[tokio::test]
async fn migrations_at_the_same_time_all_succeed() {
    let server = Server::start();
    server.create("new").await;
    drop(server.create_legacy("old", 19).await);
    let commands = ["new", "new", "new", "old", "old", "old"]
        .map(|database| server.migrate_command(database).spawn().expect("ingest should run"));
    for mut command in commands {
        assert!(command.wait().expect("ingest should end").success());
    }
    assert_eq!(server.schema("old"), server.schema("new"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_waits_for_a_table_holds_up_nobody() {
    let server = Server::start();
    let mut database = server.create_legacy("old", 19).await;
    // A backup, for example, which holds its locks until it ends.
    let mut reader = Database::at(&server.url("old")).await;
    reader.run("begin; select from events").await;
    let mut migrating = server.migrate_command("old").spawn().expect("ingest should run");
    let waiting =
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'ingest-migrate%'";
    database.until("the migration waits for the table", waiting).await;
    // The lock that a delivery takes.
    database.run("set statement_timeout = '3s'; begin; lock table only events in row exclusive mode; commit").await;
    reader.run("commit").await;
    assert!(migrating.wait().expect("ingest should end").success());
    assert_eq!(database.count("pg_attribute where attrelid = 'events'::regclass and attname = 'actor'").await, 1);
}
