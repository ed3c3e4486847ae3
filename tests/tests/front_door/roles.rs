//! The role of the services, which may not change tables, and what the owner of the tables does for it.

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill, until};
use serde_json::Value;
use stack::Stack;

const CURRENT: &str = "'events_' || to_char(now() at time zone 'UTC', 'YYYY_MM')";
const AHEAD: &str = "'events_' || to_char(now() at time zone 'UTC' + interval '3 months', 'YYYY_MM')";

#[tokio::test(flavor = "multi_thread")]
async fn services_cannot_change_tables() {
    let stack = Stack::start().expect("the stack should start");
    assert_eq!(Mandrill::of(&stack).deliver(&[event("open", "m1")]).await.json()["stored"], 1);
    let mut owner = Database::of(&stack).await;
    let roles = "select distinct usename::text from pg_stat_activity
                 where application_name ~ '^(ingest|notifier)' and application_name !~ '^ingest-(upkeep|background)'";
    assert_eq!(owner.text(roles).await, "mandrill_service");
    let rights = "select (rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls)::text from pg_roles
                  where rolname = 'mandrill_service'";
    assert_eq!(owner.text(rights).await, "false");

    let refused = |statement: &str| {
        let mut psql = stack.postgres_program("psql");
        psql.args(["-X", "-v", "VERBOSITY=sqlstate", "-c", statement, &stack.service_database_url()]);
        let output = psql.output().expect("psql should run");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains("42501"), "{statement}: {error}");
    };
    for statement in [
        "create table mine (id int)",
        "drop table events",
        "alter table events add column mine int",
        "truncate events",
        "create index on events (kind)",
        "create function mine() returns int language sql as 'select 1'",
        "create or replace function merge_search_index() returns bigint language sql as 'select 1'",
        "delete from _sqlx_migrations",
        "alter role mandrill_service superuser",
        "create role mine",
        "set role mandrill",
        "copy events to program 'cat'",
        "select pg_read_file('/etc/passwd')",
    ] {
        refused(statement);
    }
    let doctor = stack.ingest(&["doctor"]).expect("no check should fail");
    assert!(doctor.contains("The services connect with a role that may not change tables."), "{doctor}");
    assert!(doctor.contains("The owner of the tables can connect; the connection is not encrypted."), "{doctor}");
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_of_the_owner_ignore_what_a_caller_creates() {
    let stack = Stack::start().expect("the stack should start");
    let mut owner = Database::of(&stack).await;
    owner.run(&format!("do $$ begin execute 'drop table ' || {AHEAD}; end $$")).await;
    // A table of the caller with the name of ours, and a function with the name of one of Postgres.
    let mut service = Database::at(&stack.service_database_url()).await;
    service.run("create temp table events (received_at timestamptz) partition by range (received_at)").await;
    service
        .run("create function pg_temp.date_trunc(text, timestamp) returns timestamp language sql as 'select now()::timestamp'")
        .await;
    service.run("set search_path = pg_temp, public").await;
    assert_eq!(service.text("select create_event_partitions()").await, owner.text(&format!("select {AHEAD}")).await);
    let parent = format!("select inhparent::regclass::text from pg_inherits where inhrelid = to_regclass({AHEAD})");
    assert_eq!(owner.text(&parent).await, "events");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_the_owner_makes_partitions_and_leaves_the_rest_to_upkeep() {
    let mut stack = Stack::start_with(&[("RETENTION_DAYS", "30")]).expect("the stack should start");
    let (mandrill, mut owner) = (Mandrill::of(&stack), Database::of(&stack).await);
    let admin = ApiClient::admin(&stack).await;
    let batch: Vec<Value> = (0..20).map(|n| event("open", &format!("old{n}"))).collect();
    assert_eq!(mandrill.deliver(&batch).await.json()["stored"], 20);
    stack.stop(stack::Part::Ingest);
    owner.age_events(3).await;
    owner.run(&format!("do $$ begin execute 'drop table ' || {AHEAD}; execute 'drop table ' || {CURRENT}; end $$")).await;
    owner.run("drop index events_search_idx").await;

    let ingest = stack.replica_with("ingest", &[("DATABASE_OWNER_URL", "")]).expect("the replica should start");
    owner.until("the partition exists", &format!("select (to_regclass({AHEAD}) is not null)::int::bigint")).await;
    let mut mandrill = mandrill;
    mandrill.to = format!("{}/webhook/", ingest.address());
    assert_eq!(mandrill.deliver(&[event("open", "new")]).await.json()["stored"], 1);
    let mut admin = admin;
    admin.address = ingest.address();
    let report = admin.get("/api/system").await.text;
    assert!(report.contains("has expired and is still stored."), "{report}");
    assert_eq!(owner.count("events").await, 21, "a service cannot drop a month");
    assert_eq!(owner.count("pg_class where relname = 'events_search_idx'").await, 0, "a service cannot build an index");

    let refused = stack.ingest_with(&["upkeep"], &[("DATABASE_OWNER_URL", "")]).expect_err("the role owns nothing").to_string();
    assert!(refused.contains("the role of DATABASE_URL does not own the tables"), "{refused}");
    stack.ingest(&["upkeep"]).expect("the command should succeed");
    assert_eq!(owner.count("events").await, 1);
    assert_eq!(owner.count("pg_index where indexrelid = 'events_search_idx'::regclass and indisvalid").await, 1);
    stack.ingest(&["upkeep"]).expect("a second run should have nothing to do");
    until("the search index is merged as the owner", || async {
        mandrill.deliver(&[event("open", "another")]).await;
        Some(())
    })
    .await;
    let pending = format!(
        "select (gin_clean_pending_list(inhrelid) = 0)::int::bigint from pg_inherits where inhparent = 'events_search_idx'::regclass and inhrelid::regclass::text like {CURRENT} || '%'"
    );
    owner.until("the search index is merged", &pending).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_makes_the_role_in_an_existing_database_and_settings_of_before_still_work() {
    let stack = Stack::start_postgres().expect("Postgres should start");
    let (owner_url, service_url) = (stack.database_url(), stack.service_database_url());
    let before = [("DATABASE_URL", owner_url.as_str()), ("DATABASE_OWNER_URL", "")];
    stack.ingest_with(&["migrate"], &before).expect("settings of before should work");
    let mut owner = Database::of(&stack).await;
    assert_eq!(owner.count("pg_roles where rolname = 'mandrill_service'").await, 0);
    owner.run("create table unrelated (id int)").await;
    let add_user = |environment: &[(&str, &str)], email: &str| {
        let environment: Vec<_> = environment.iter().copied().chain([("USER_PASSWORD", "correct horse battery")]).collect();
        stack.ingest_with(&["user", "add", email], &environment).map_err(|error| error.to_string())
    };
    add_user(&before, "ann@example.com").expect("the owner may do everything");

    let logged = "alter system set log_statement = 'all'";
    owner.run(logged).await;
    owner.run("select pg_reload_conf()").await;
    stack.ingest(&["migrate"]).expect("the role should be made");
    add_user(&[], "bob@example.com").expect("the role should be able to work");
    stack.ingest(&["migrate"]).expect("a second run should have nothing to do");

    // A new password, as after `make env`.
    let changed = service_url.replace(&stack.settings().service_password, "another-password");
    let environment = [("DATABASE_URL", changed.as_str())];
    let rejected = add_user(&environment, "eve@example.com").expect_err("the password is not known yet");
    stack.ingest_with(&["migrate"], &environment).expect("the password should be replaced");
    add_user(&environment, "eve@example.com").unwrap_or_else(|error| panic!("{rejected}; then {error}"));

    // An owner who may not create roles.
    owner.run("create role plain login password 'plain'; grant mandrill to plain").await;
    let plain = owner_url.replace("mandrill:", "plain:").replace(&stack.settings().postgres_password, "plain");
    let missing = service_url.replace("mandrill_service", "missing");
    let refused = stack.ingest_with(&["migrate"], &[("DATABASE_OWNER_URL", &plain), ("DATABASE_URL", &missing)]);
    let refused = refused.expect_err("the role cannot be made").to_string();
    assert!(refused.contains("does not exist, and that of DATABASE_OWNER_URL may not create it"), "{refused}");

    let log = std::fs::read_to_string(stack.log(stack::Part::Postgres)).expect("the log should be readable");
    assert!(log.contains("create role mandrill_service login password"), "{log}");
    for secret in [stack.settings().service_password.as_str(), "another-password"] {
        assert!(!log.contains(secret), "the log should contain no password: {log}");
    }
}
