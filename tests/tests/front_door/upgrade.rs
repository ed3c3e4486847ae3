//! Upgrading: databases and statements of the version before, and a rehearsal with its programs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill, Posting};
use serde_json::Value;
use sqlx::{Connection, Executor, PgConnection, SqlSafeStr};
use stack::{Part, Replica, Stack};
use tokio::sync::watch;

/// What version 0.3.0 left behind: a dump, and its committed queries.
fn fixture(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/0.3.0").join(file)
}

fn psql(stack: &Stack, arguments: &[&str]) {
    stack.run_postgres_program("psql", arguments).expect("the statements should succeed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_version_0_3_0_is_migrated_and_takes_over_where_it_was() {
    let mut stack = Stack::start().expect("the stack should start");
    let indexes = "select string_agg(pg_get_indexdef(indexrelid), E'\\n' order by indexrelid::regclass::text) from pg_index
                   where indrelid = 'events'::regclass and indisvalid";
    let of_new_database = Database::of(&stack).await.text(indexes).await;
    stack.stop(Part::Ingest);
    stack.stop(Part::Notifier);
    psql(&stack, &["-d", "postgres", "-c", "drop database mandrill with (force)", "-c", "create database mandrill"]);
    psql(&stack, &["-f", &fixture("dump.sql").display().to_string()]);
    let mut database = Database::of(&stack).await;
    let before = database.text("select id || ' ' || kind || ' ' || md5(payload) from events order by id").await;
    let payloads = database.text("select payload from events order by id").await;
    let count = before.lines().count();
    assert!(count > 50);

    stack.ingest(&["migrate"]).expect("the database should be migrated");
    let settings = stack.settings();
    let arguments = ["user", "add", "--if-there", "replace", "--role", "admin", &settings.admin_email];
    stack.ingest_with(&arguments, &[("USER_PASSWORD", &settings.admin_password)]).expect("the account should be replaced");
    stack.restart(Part::Ingest).expect("ingest should start");
    stack.restart(Part::Notifier).expect("the notifier should start");
    database
        .until(
            "the background jobs of this version are finished",
            &format!("select (count(*) > {JOBS} and bool_and(finished_at is not null))::int::bigint from background_jobs"),
        )
        .await;
    assert_eq!(database.text("select id || ' ' || kind || ' ' || md5(payload) from events order by id").await, before);
    assert_eq!(database.text(indexes).await, of_new_database);

    let mandrill = Mandrill::of(&stack);
    let again = mandrill.deliver_text(&format!("[{}]", payloads.lines().collect::<Vec<_>>().join(","))).await.json();
    assert_eq!((again["stored"].as_u64(), again["duplicates"].as_u64()), (Some(0), Some(count as u64)), "{again}");
    assert_eq!(mandrill.deliver(&[event("open", "new")]).await.json()["stored"], 1);
    let admin = ApiClient::admin(&stack).await;
    assert_eq!(admin.all("/api/events").await.len(), count + 1);
    let simulated = admin.get("/api/stats?from=2026-01-01T00:00:00Z&step=month").await.json();
    let counted: u64 = simulated["counts"].as_object().expect("counts").values().filter_map(Value::as_u64).sum();
    assert_eq!(counted, count as u64 + 1);
    stack.ingest(&["doctor"]).expect("no check should fail");

    // Once no replica of the version before runs, stored payloads are compressed.
    assert_eq!(database.count("events where payload_frame is not null").await, 0);
    database.run("update upgrade_moments set at = now() where name = 'compressed_payloads'").await;
    stack.ingest(&["upkeep"]).expect("the upkeep should succeed");
    assert!(database.count("events where payload_frame is not null").await > count as i64 / 2);
    for (event, payload) in database.ids("select id from events").await.into_iter().zip(payloads.lines()) {
        assert_eq!(admin.get(&format!("/api/events/{event}/raw")).await.text, payload);
    }
}

/// A replica of the version before runs on the new schema while replicas are replaced, and after a roll-back.
#[tokio::test]
async fn every_query_of_version_0_3_0_can_be_prepared_on_the_schema_of_this_one() {
    let stack = Stack::start_only(&[Part::Postgres], &[]).expect("Postgres should start");
    let text = std::fs::read_to_string(fixture("queries.json")).expect("the queries should be readable");
    let queries: Vec<String> = serde_json::from_str(&text).expect("the queries should be a list");
    assert!(queries.len() > 100);
    let mut connection = PgConnection::connect(&stack.database_url()).await.expect("Postgres should accept the connection");
    let mut failed = Vec::new();
    for query in queries {
        if let Err(error) = connection.prepare(sqlx::AssertSqlSafe(query.clone()).into_sql_str()).await {
            failed.push(format!("{error}: {query}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Deliveries are posted at this rate, each with up to three events.
const POSTS_PER_SECOND: u64 = 100;
const REPLICAS: usize = 3;
/// How long each state is observed in which nothing happens.
const OBSERVED: Duration = Duration::from_secs(10);
const MAX_P99: Duration = Duration::from_millis(500);
/// Number of background jobs of this version, each of which records that it has run to its end.
const JOBS: usize = 12;
/// Two more come with the planted migration.
const PLANTED_JOBS: usize = 14;

/// A version's programs, and the settings in which it differs from this one.
struct Version {
    programs: PathBuf,
    settings: Vec<(&'static str, String)>,
}

impl Version {
    fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    fn migrate(&self, stack: &Stack) {
        stack.run_program(&self.programs.join("ingest"), &["migrate"], &self.settings()).expect("the migration should succeed");
    }

    fn start(&self, stack: &Stack, service: &str) -> Replica {
        stack.replica_of(&self.programs.join(service), &self.settings()).expect("the replica should start")
    }
}

/// The replicas of both services.
struct Replicas {
    ingests: Vec<Replica>,
    notifiers: Vec<Replica>,
    /// When the first was replaced last.
    replaced_at: SystemTime,
}

impl Replicas {
    /// Replaces each by one of `version`: nginx gets the new one and lets go of the old one, which then stops.
    fn replace(&mut self, stack: &mut Stack, version: &Version) {
        self.replaced_at = SystemTime::now();
        for at in 0..REPLICAS {
            let ingest = std::mem::replace(&mut self.ingests[at], version.start(stack, "ingest"));
            let notifier = std::mem::replace(&mut self.notifiers[at], version.start(stack, "notifier"));
            stack.reroute_to(&self.ingests, &self.notifiers).expect("nginx should take the new addresses");
            drop((ingest, notifier));
        }
    }
}

/// What became of one post.
struct Post {
    phase: &'static str,
    took: Duration,
    status: u16,
}

/// Shows the progress of a test that takes minutes.
fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// The median, the 99th percentile and the maximum of the posts of each phase, as rows of a table.
fn report(posts: &[Post], seconds: &[(&'static str, f64)]) -> Vec<(&'static str, Duration)> {
    print("| Phase | Seconds | Posts | p50 | p99 | Longest |\n|---|--:|--:|--:|--:|--:|");
    let mut slow = Vec::new();
    for (phase, seconds) in seconds {
        let mut took: Vec<Duration> = posts.iter().filter(|post| post.phase == *phase).map(|post| post.took).collect();
        took.sort_unstable();
        let at =
            |share: usize| took.get((took.len() * share / 100).min(took.len().saturating_sub(1))).copied().unwrap_or_default();
        let ms = |took: Duration| format!("{:.0} ms", took.as_secs_f64() * 1_000.0);
        print(&format!("| {phase} | {seconds:.1} | {} | {} | {} | {} |", took.len(), ms(at(50)), ms(at(99)), ms(at(100))));
        if at(99) > MAX_P99 {
            slow.push((*phase, at(99)));
        }
    }
    slow
}

/// The directories of other versions come from `tools/rehearse_upgrade.py`: `UPGRADE_FROM` has the programs of an older version and its
/// `fill.sql`, and `UPGRADE_PLANTED` those of this version with one more migration.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs programs of other versions; make rehearse-upgrade"]
async fn an_upgrade_under_load_refuses_loses_and_doubles_nothing() {
    let folder = |name: &str| PathBuf::from(std::env::var(name).unwrap_or_else(|_| panic!("{name} should be set")));
    let rows = std::env::var("UPGRADE_ROWS").unwrap_or_else(|_| "1000000".to_owned());
    let mut stack = Stack::start_servers(&[Part::Postgres, Part::Redis]).expect("the servers should start");
    let before = [("DATABASE_URL", stack.database_url()), ("DATABASE_OWNER_URL", String::new())];
    let drain = [("DRAIN_SECONDS", "5".to_owned()), ("SHUTDOWN_DELAY_SECONDS", "1".to_owned())];
    let old = Version { programs: folder("UPGRADE_FROM"), settings: before.into_iter().chain(drain.clone()).collect() };
    let current = std::env::current_exe().expect("this program should have a path");
    let current = current.ancestors().nth(2).expect("programs should be beside the tests").to_path_buf();
    let new = Version { programs: current, settings: drain.to_vec() };
    let planted = Version { programs: folder("UPGRADE_PLANTED"), settings: drain.to_vec() };

    old.migrate(&stack);
    psql(&stack, &["-c", &format!("set fill.rows = {rows}"), "-f", &old.programs.join("fill.sql").display().to_string()]);
    let mut database = Database::of(&stack).await;
    let filled = database.count("events").await;
    let mut replicas = Replicas { ingests: Vec::new(), notifiers: Vec::new(), replaced_at: SystemTime::now() };
    for _ in 0..REPLICAS {
        replicas.ingests.push(old.start(&stack, "ingest"));
        replicas.notifiers.push(old.start(&stack, "notifier"));
    }
    stack.route_to(&replicas.ingests, &replicas.notifiers).expect("nginx should start");

    let (mandrill, (entered, phases)) = (Mandrill::of(&stack).without_keep_alive(), watch::channel("before"));
    let posting = Posting::start(POSTS_PER_SECOND, move |number| {
        let (mandrill, phase) = (mandrill.clone(), *phases.borrow());
        async move {
            let batch: Vec<Value> =
                (0..=number % 3).map(|at| event(["send", "open", "click"][at], &format!("live-{number}-{at}"))).collect();
            let started = Instant::now();
            let status = mandrill.deliver(&batch).await.status.as_u16();
            Post { phase, took: started.elapsed(), status }
        }
    });
    let mut seconds = Vec::new();
    let mut phase = |name: &'static str, work: &mut dyn FnMut()| {
        print(name);
        entered.send_replace(name);
        let started = Instant::now();
        tokio::task::block_in_place(work);
        seconds.push((name, started.elapsed().as_secs_f64()));
    };
    let handle = tokio::runtime::Handle::current();
    let mut until_finished = |since, jobs| handle.block_on(until_jobs_have_finished(&mut database, since, jobs));
    phase("before", &mut || std::thread::sleep(OBSERVED));
    phase("migrate", &mut || new.migrate(&stack));
    phase("replace", &mut || replicas.replace(&mut stack, &new));
    phase("background jobs", &mut || until_finished(replicas.replaced_at, JOBS));
    phase("roll back", &mut || replicas.replace(&mut stack, &old));
    phase("rolled back", &mut || std::thread::sleep(OBSERVED));
    phase("forward again", &mut || replicas.replace(&mut stack, &new));
    phase("background jobs again", &mut || until_finished(replicas.replaced_at, JOBS));
    phase("migrate (planted)", &mut || planted.migrate(&stack));
    phase("replace (planted)", &mut || replicas.replace(&mut stack, &planted));
    phase("background jobs (planted)", &mut || until_finished(replicas.replaced_at, PLANTED_JOBS));
    phase("after", &mut || std::thread::sleep(OBSERVED));
    let (number, posts) = posting.stop().await;

    let slow = report(&posts, &seconds);
    let refused: Vec<u16> = posts.iter().map(|post| post.status).filter(|status| *status != 200).collect();
    assert!(refused.is_empty(), "{} of {number} posts were refused: {refused:?}", refused.len());
    let posted = (0..number).map(|number| 1 + number % 3).sum::<usize>() as i64;
    let live = database.count("events where message_id like 'live-%'").await;
    let different = database.count("(select distinct kind, message_id from events where message_id like 'live-%') as each").await;
    assert_eq!((live, different), (posted, posted), "nothing should be lost or stored twice");
    assert_eq!(database.count("events").await, filled + posted);
    database.until("everything is published", "select (count(*) = 0)::int::bigint from outbox").await;
    assert_eq!(database.count("events where planted is null and received_at < now() - interval '1 hour'").await, 0);
    assert_eq!(database.count("pg_constraint where conname = 'events_planted_check' and not convalidated").await, 0);
    assert_eq!(database.count("pg_index where indexrelid = 'events_planted_idx'::regclass and indisvalid").await, 1);
    assert!(slow.is_empty(), "too slow: {slow:?}");
}

/// Waits until all background jobs have run to their end since replicas were replaced. They take minutes with a million events.
async fn until_jobs_have_finished(database: &mut Database, since: SystemTime, jobs: usize) {
    let since = since.duration_since(SystemTime::UNIX_EPOCH).expect("the clock should be right").as_secs_f64();
    let finished = format!(
        "select (count(*) filter (where updated_at > to_timestamp({since})) >= {jobs} and bool_and(finished_at is not null))::int::bigint
         from background_jobs where name <> 'actor_review'"
    );
    while database.number(&finished).await != Some(1) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
