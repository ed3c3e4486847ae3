//! Encrypted connections: certificates that fit, and those that do not.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Output, Stdio};

use front_door::delivery::event;
use front_door::{
    ApiClient, Authority, Database, Follower, Identity, IdentityProvider, Mandrill, TlsTerminator, until, until_readyz,
};
use serde_json::Value;
use stack::{Part, Replica, Stack};

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Settings for a Redis that is reached through TLS.
fn redis_settings(stack: &Stack, port: u16, authority: &Authority, client: &Identity) -> Vec<(&'static str, String)> {
    vec![
        ("REDIS_URL", format!("rediss://default:{}@127.0.0.1:{port}", stack.settings().redis_password)),
        ("REDIS_CA_FILE", text(&authority.certificate())),
        ("REDIS_CLIENT_CERT_FILE", text(&client.certificate)),
        ("REDIS_CLIENT_KEY_FILE", text(&client.key)),
    ]
}

fn replica(stack: &Stack, name: &str, settings: &[(&'static str, String)]) -> Replica {
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    stack.replica_with(name, &settings).expect("the replica should start")
}

/// What a server at `host` can show that does not fit: its certificate, and the authority whose clients it accepts.
fn unfit<'a>(authority: &'a Authority, other: &'a Authority, host: &str) -> [(&'static str, Identity, &'a Authority); 4] {
    [
        ("an unknown authority", other.issue(host), authority),
        ("an expired certificate", authority.issue_until(host, 2021), authority),
        ("another host", authority.issue("elsewhere.example.com"), authority),
        ("a client that is not known", authority.issue(host), other),
    ]
}

fn port_of(stack: &Stack, part: Part) -> u16 {
    stack.direct(part).rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("the address should end with a port")
}

/// The log of a replica.
fn log_of(stack: &Stack, name: &str, replica: &Replica) -> String {
    let port = replica.address().rsplit(':').next().unwrap_or_default().to_owned();
    std::fs::read_to_string(stack.folder().join(format!("logs/{name}-{port}.log"))).expect("the replica should have a log")
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_over_tls_carries_the_feed_and_names_certificates_that_do_not_fit() {
    let stack = Stack::start().expect("the stack should start");
    let (authority, other) = (Authority::new(), Authority::new());
    let server = authority.issue("127.0.0.1");
    let redis = TlsTerminator::to_redis(port_of(&stack, Part::Redis), &server, &authority).await;
    let settings = redis_settings(&stack, redis.port(), &authority, &authority.issue("client"));
    let (ingest, notifier) = (replica(&stack, "ingest", &settings), replica(&stack, "notifier", &settings));
    let mut mandrill = Mandrill::of(&stack);
    mandrill.to = format!("{}/webhook/", ingest.address());
    let mut follower = Follower::new(ApiClient::admin(&stack).await);
    follower.addresses = vec![notifier.address()];
    follower.connect().await;
    let mut delivered = 0;
    let mut deliver = async || {
        let batch: Vec<Value> = (0..20).map(|n| event("open", &format!("m{delivered}-{n}"))).collect();
        assert_eq!(mandrill.deliver(&batch).await.status, 200);
        delivered += 20;
        delivered
    };
    let count = deliver().await;
    follower.follow_until(|follower| follower.events.len() == count).await;

    for (what, identity, clients) in unfit(&authority, &other, "127.0.0.1") {
        redis.show(&identity, clients);
        until_readyz(&notifier.address(), 503, "redis", "untrusted").await;
        until_readyz(&ingest.address(), 200, "redis", "untrusted").await;
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let doctor = stack.ingest_with(&["doctor"], &settings).expect("the doctor only warns");
        assert!(doctor.contains("WARN  redis       The TLS connection to Redis fails"), "{what}: {doctor}");
        let count = deliver().await;
        redis.show(&server, &authority);
        until_readyz(&notifier.address(), 200, "redis", "up").await;
        follower.follow_until(|follower| follower.events.len() == count).await;
    }
    let stored = Database::of(&stack).await.ids("select id from events").await;
    assert_eq!(follower.events.keys().copied().collect::<BTreeSet<i64>>(), stored);
    let log = log_of(&stack, "notifier", &notifier);
    for reason in ["UnknownIssuer", "expired", "not valid for name"] {
        assert!(log.lines().any(|line| line.contains("Redis takes no writes") && line.contains(reason)), "{reason}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_over_tls_takes_deliveries_and_names_certificates_that_do_not_fit() {
    let stack = Stack::start().expect("the stack should start");
    let (authority, other) = (Authority::new(), Authority::new());
    let (server, client) = (authority.issue("localhost"), authority.issue("client"));
    let postgres = TlsTerminator::to_postgres(port_of(&stack, Part::Postgres), &server, &authority).await;
    let settings = vec![
        ("DATABASE_URL", format!("postgres://mandrill_service@localhost:{}/mandrill?sslmode=verify-full", postgres.port())),
        ("DATABASE_PASSWORD", stack.settings().service_password.clone()),
        ("DATABASE_CA_FILE", text(&authority.certificate())),
        ("DATABASE_CLIENT_CERT_FILE", text(&client.certificate)),
        ("DATABASE_CLIENT_KEY_FILE", text(&client.key)),
    ];
    let (ingest, notifier) = (replica(&stack, "ingest", &settings), replica(&stack, "notifier", &settings));
    let mut mandrill = Mandrill::of(&stack);
    mandrill.to = format!("{}/webhook/", ingest.address());
    let mut follower = Follower::new(ApiClient::admin(&stack).await);
    follower.addresses = vec![notifier.address()];
    follower.connect().await;
    let mut number = 0;
    let mut batch = || {
        number += 1;
        (0..20).map(|n| event("open", &format!("m{number}-{n}"))).collect::<Vec<Value>>()
    };
    assert_eq!(mandrill.deliver(&batch()).await.status, 200);
    let mut accepted = 20;
    follower.follow_until(|follower| follower.events.len() == accepted).await;

    let as_text: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for (what, identity, clients) in unfit(&authority, &other, "localhost") {
        postgres.show(&identity, clients);
        until_readyz(&ingest.address(), 503, "postgres", "untrusted").await;
        until_readyz(&notifier.address(), 503, "postgres", "untrusted").await;
        let doctor = stack.ingest_with(&["doctor"], &as_text).expect_err("the doctor should fail").to_string();
        assert!(doctor.contains("The TLS connection to Postgres fails"), "{what}: {doctor}");
        let refused = batch();
        assert_eq!(mandrill.deliver(&refused).await.status, 503, "{what}");
        postgres.show(&server, &authority);
        until_readyz(&ingest.address(), 200, "postgres", "up").await;
        until_readyz(&notifier.address(), 200, "postgres", "up").await;
        assert_eq!(mandrill.deliver(&refused).await.status, 200, "{what}");
        accepted += 20;
        follower.follow_until(|follower| follower.events.len() == accepted).await;
    }
    let log = log_of(&stack, "ingest", &ingest);
    for reason in ["UnknownIssuer", "expired", "not valid for name"] {
        assert!(log.lines().any(|line| line.contains("Postgres takes no writes") && line.contains(reason)), "{reason}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn required_encryption_is_never_given_up() {
    let stack = Stack::start().expect("the stack should start");
    let plain = stack.database_url();
    for mode in ["require", "verify-full"] {
        let url = format!("{plain}?sslmode={mode}");
        let doctor = stack.ingest_with(&["doctor"], &[("DATABASE_URL", &url)]).expect_err("the doctor should fail").to_string();
        assert!(doctor.contains("or Postgres has no TLS"), "{mode}: {doctor}");
    }
    for mode in ["prefer", "allow", "disable"] {
        let url = format!("{plain}?sslmode={mode}");
        stack.ingest_with(&["doctor"], &[("DATABASE_URL", &url)]).unwrap_or_else(|error| panic!("{mode}: {error}"));
    }
    let redis = stack.redis_url().replace("redis://", "rediss://");
    let doctor = stack.ingest_with(&["doctor"], &[("REDIS_URL", &redis)]).expect("the doctor only warns");
    assert!(doctor.contains("WARN  redis"), "{doctor}");
}

/// Starts a service with settings that it should refuse, and waits until it has exited.
async fn run(stack: &Stack, service: &str, settings: &[(&str, &str)]) -> Output {
    let mut command = stack.command(service).expect("the service should be built");
    command.arg("serve").env("LISTEN", "127.0.0.1:0").envs(settings.iter().copied());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the service should start");
    let (pid, mut child) = (child.id(), Some(child));
    until(&format!("{service} with {settings:?} exits (process {pid})"), || {
        let exited = child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|status| status.is_some()));
        std::future::ready(exited.then_some(()))
    })
    .await;
    child.take().expect("the child should be there").wait_with_output().expect("the output should be readable")
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_used_end_the_start_and_are_named() {
    let stack = Stack::start_postgres().expect("Postgres should start");
    let (authority, other) = (Authority::new(), Authority::new());
    let (client, foreign) = (authority.issue("client"), other.issue("client"));
    let ca = text(&authority.certificate());
    let garbage = text(&authority.file("garbage.pem", "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n"));
    let empty = text(&authority.file("empty.pem", ""));
    let missing = text(&authority.folder().join("missing.pem"));
    let (certificate, key, foreign_key) = (text(&client.certificate), text(&client.key), text(&foreign.key));
    let missing_root = format!("postgres://u@127.0.0.1/x?sslmode=verify-full&sslrootcert={missing}");
    let tls = ("REDIS_URL", "rediss://127.0.0.1:1");
    let cases: Vec<(&str, Vec<(&str, &str)>)> = vec![
        ("REDIS_CA_FILE", vec![tls, ("REDIS_CA_FILE", &missing)]),
        ("REDIS_CA_FILE", vec![tls, ("REDIS_CA_FILE", &garbage)]),
        ("REDIS_CA_FILE", vec![tls, ("REDIS_CA_FILE", &empty)]),
        ("REDIS_CA_FILE", vec![tls, ("REDIS_CA_FILE", &key)]),
        ("REDIS_CLIENT_CERT_FILE", vec![tls, ("REDIS_CLIENT_CERT_FILE", &missing), ("REDIS_CLIENT_KEY_FILE", &key)]),
        ("REDIS_CLIENT_KEY_FILE", vec![tls, ("REDIS_CLIENT_CERT_FILE", &certificate), ("REDIS_CLIENT_KEY_FILE", &certificate)]),
        ("REDIS_CLIENT_KEY_FILE", vec![tls, ("REDIS_CLIENT_CERT_FILE", &certificate), ("REDIS_CLIENT_KEY_FILE", &foreign_key)]),
        ("REDIS_CLIENT_KEY_FILE", vec![tls, ("REDIS_CLIENT_CERT_FILE", &certificate)]),
        ("REDIS_CLIENT_CERT_FILE", vec![tls, ("REDIS_CLIENT_KEY_FILE", &key)]),
        ("REDIS_URL", vec![("REDIS_URL", "redis://127.0.0.1:1"), ("REDIS_CA_FILE", &ca)]),
        ("REDIS_URL", vec![("REDIS_URL", "rediss://127.0.0.1:1/#insecure")]),
        ("REDIS_URL", vec![("REDIS_URL", "http://127.0.0.1:1")]),
        ("REDIS_SENTINELS", vec![tls, ("REDIS_SENTINELS", "127.0.0.1:1"), ("REDIS_SENTINEL_MASTER", "feed")]),
        ("REDIS_CLUSTER", vec![tls, ("REDIS_CLUSTER", "127.0.0.1:1")]),
        ("REDIS_CLUSTER", vec![("REDIS_URL", ""), ("REDIS_CLUSTER", "127.0.0.1:1,rediss://127.0.0.1:2")]),
        ("REDIS_CLUSTER", vec![("REDIS_URL", ""), ("REDIS_CLUSTER", "redis://127.0.0.1:1"), ("REDIS_CA_FILE", &ca)]),
        ("REDIS_CLUSTER", vec![("REDIS_URL", ""), ("REDIS_CLUSTER", "redis://127.0.0.1:1/3")]),
        ("REDIS_SENTINEL_MASTER", vec![("REDIS_URL", ""), ("REDIS_SENTINELS", "127.0.0.1:1")]),
        ("REDIS_SENTINEL_MASTER", vec![("REDIS_SENTINEL_MASTER", "feed")]),
        ("FEED_KEEP", vec![("FEED_KEEP", "7")]),
        ("DATABASE_URL", vec![("DATABASE_URL", "postgres://127.0.0.1/x")]),
        ("DATABASE_URL", vec![("DATABASE_URL", "mysql://u@127.0.0.1/x")]),
        ("DATABASE_URL", vec![("DATABASE_URL", "postgres://u@127.0.0.1/x?sslmode=perhaps")]),
        ("DATABASE_URL", vec![("DATABASE_URL", "postgres://u@127.0.0.1/x?sslmode=verify-ca")]),
        ("DATABASE_URL", vec![("DATABASE_URL", "postgres://u@127.0.0.1/x?sslmode=disable"), ("DATABASE_CA_FILE", &ca)]),
        ("sslrootcert", vec![("DATABASE_URL", &missing_root)]),
        ("DATABASE_CA_FILE", vec![("DATABASE_CA_FILE", &garbage)]),
        (
            "DATABASE_CLIENT_KEY_FILE",
            vec![("DATABASE_CLIENT_CERT_FILE", &certificate), ("DATABASE_CLIENT_KEY_FILE", &foreign_key)],
        ),
        ("DATABASE_CLIENT_KEY_FILE", vec![("DATABASE_CLIENT_CERT_FILE", &certificate)]),
        ("DATABASE_URL_FILE", vec![("DATABASE_URL", ""), ("DATABASE_URL_FILE", &missing)]),
        ("DATABASE_URL_FILE", vec![("DATABASE_URL_FILE", &ca)]),
        ("REDIS_PASSWORD_FILE", vec![("REDIS_PASSWORD_FILE", &missing)]),
    ];
    let only_ingest: Vec<(&str, Vec<(&str, &str)>)> = vec![
        ("DATABASE_OWNER_URL", vec![("DATABASE_OWNER_URL", "postgres://127.0.0.1/x")]),
        ("DATABASE_OWNER_URL", vec![("DATABASE_OWNER_URL", "postgres://u@127.0.0.1/x?sslmode=perhaps")]),
        ("DATABASE_OWNER_PASSWORD_FILE", vec![("DATABASE_OWNER_PASSWORD_FILE", &missing)]),
        ("DATABASE_READ_URL", vec![("DATABASE_READ_URL", "mysql://u@127.0.0.1/x")]),
        ("DATABASE_READ_URL", vec![("DATABASE_READ_URL", "postgres://u@127.0.0.1/x?sslmode=verify-ca")]),
        ("READ_MAX_LAG_SECONDS", vec![("READ_MAX_LAG_SECONDS", "0")]),
        ("OIDC_CA_FILE", vec![("OIDC_CA_FILE", &garbage)]),
        ("OIDC_CA_FILE", vec![("OIDC_CA_FILE", &missing)]),
    ];
    for service in ["ingest", "notifier"] {
        let others = if service == "ingest" { only_ingest.as_slice() } else { &[] };
        for (setting, settings) in cases.iter().chain(others) {
            let output = run(&stack, service, settings).await;
            let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert_eq!(output.status.code(), Some(64), "{service} {settings:?}: {printed}");
            assert!(printed.contains(setting), "{service} {settings:?}: {printed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_come_from_files_and_are_never_printed() {
    let stack = Stack::start().expect("the stack should start");
    let authority = Authority::new();
    let settings = stack.settings();
    let file = |name: &str, contents: &str| text(&authority.file(name, contents));
    let environment = [
        ("DATABASE_URL", format!("postgres://mandrill_service@127.0.0.1:{}/mandrill", port_of(&stack, Part::Postgres))),
        // An empty variable does not hide the file.
        ("DATABASE_PASSWORD", String::new()),
        ("DATABASE_PASSWORD_FILE", file("database", &format!("{}\n", settings.service_password))),
        ("REDIS_URL", String::new()),
        ("REDIS_URL_FILE", file("redis", &stack.redis_url())),
        ("WEBHOOK_KEYS", String::new()),
        ("WEBHOOK_KEYS_FILE", file("webhook", &format!("{}\r\n", settings.webhook_keys))),
        ("SECRET_KEY", String::new()),
        ("SECRET_KEY_FILE", file("key", "a key of many characters")),
    ];
    let ingest = replica(&stack, "ingest", &environment);
    let mut mandrill = Mandrill::of(&stack);
    mandrill.to = format!("{}/webhook/", ingest.address());
    assert_eq!(mandrill.deliver(&[event("open", "m1")]).await.status, 200);
    until_readyz(&ingest.address(), 200, "redis", "up").await;

    for (setting, value, invalid) in
        [("SECRET_KEY_FILE", "too short", ""), ("WEBHOOK_KEYS_FILE", "a=test-webhook", ""), ("SECRET_KEY", "tiny", "tiny")]
    {
        let value = if invalid.is_empty() { file("invalid", value) } else { value.to_owned() };
        let output = run(&stack, "ingest", &[("SECRET_KEY", ""), ("WEBHOOK_KEYS", ""), (setting, &value)]).await;
        let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(64), "{printed}");
        assert!(printed.contains(setting.trim_end_matches("_FILE")), "{printed}");
        for secret in ["too short", "test-webhook'", "tiny"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn single_sign_on_and_the_webhook_can_have_an_own_authority() {
    let stack = Stack::start().expect("the stack should start");
    let (authority, other) = (Authority::new(), Authority::new());
    let server = authority.issue("localhost");
    let (ca, other_ca) = (text(&authority.certificate()), text(&other.certificate()));
    let mut in_front = None;
    let provider = IdentityProvider::start_at(async |port| {
        let port = in_front.insert(TlsTerminator::to_web(port, &server).await).port();
        format!("https://localhost:{port}")
    })
    .await;
    for (file, succeeds) in [(&ca, true), (&other_ca, false), (&String::new(), false)] {
        let mut settings: Vec<(&str, &str)> = provider.environment().to_vec();
        settings.push(("OIDC_CA_FILE", file));
        let ingest = stack.replica_with("ingest", &settings).expect("the replica should start");
        let mut browser = ApiClient::new(&stack);
        browser.address = ingest.address();
        let started = browser.get("/api/session/oidc?next=/").await;
        assert_eq!(started.header("location").starts_with(&provider.issuer), succeeds, "{file}: {}", started.header("location"));
        let log = log_of(&stack, "ingest", &ingest);
        assert_eq!(log.contains("UnknownIssuer"), !succeeds, "{file}: {log}");
    }

    let webhook = TlsTerminator::to_web(port_of(&stack, Part::Nginx), &server).await;
    let address = format!("https://localhost:{}/webhook/", webhook.port());
    stack.ingest_with(&["simulate", "--to", &address], &[("WEBHOOK_CA_FILE", &ca)]).expect("the authority should be accepted");
    for file in [&other_ca, &String::new()] {
        let refused = stack.ingest_with(&["simulate", "--to", &address], &[("WEBHOOK_CA_FILE", file)]);
        let refused = refused.expect_err("the certificate should not be accepted").to_string();
        assert!(refused.contains("UnknownIssuer"), "{refused}");
    }
    let tested = |file: &str| {
        let mut command = stack.command("ingest").expect("ingest should be built");
        command.args(["webhook", "test", "--url", &address]).env("WEBHOOK_CA_FILE", file);
        let output = command.output().expect("ingest should run");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let head = |output: &str| output.lines().find(|line| line.starts_with("HEAD")).unwrap_or_default().to_owned();
    assert!(head(&tested(&ca)).contains("200"), "{}", tested(&ca));
    assert!(head(&tested(&other_ca)).contains("no answer"), "{}", tested(&other_ca));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_leaves_no_core_dump() {
    let stack = Stack::start().expect("the stack should start");
    for service in ["ingest", "notifier"] {
        let replica = replica(&stack, service, &[]);
        let limit = |pid: u32| {
            let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("the process should run");
            let line = limits.lines().find(|line| line.starts_with("Max core file size")).expect("the limit should be listed");
            line.split_whitespace().skip(4).take(2).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(limit(replica.pid()), ["0", "0"], "{service}");
        // What a process that may not be dumped owns belongs to root.
        let command = std::fs::metadata(format!("/proc/{}/environ", replica.pid())).expect("the process should run");
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&command), 0, "{service}");
    }
}
