//! Servers of the system's packages, which have TLS or are not in the wheels. `make test` installs them on Debian as root, and runs these tests
//! only then.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use front_door::delivery::event;
use front_door::{ApiClient, Authority, Database, Follower, Mandrill, until_readyz};
use serde_json::Value;
use stack::ports::Port;
use stack::servers::Servers;
use stack::{Part, Replica, Stack};

const POSTGRES: &str = "/usr/lib/postgresql/15/bin";
const REDIS: &str = "/usr/bin/redis-server";
const PGBOUNCER: &str = "/usr/sbin/pgbouncer";
const NGINX: &str = "/usr/sbin/nginx";
/// The user and group `nobody`, which Postgres and PgBouncer run as if the test is root.
const NOBODY: u32 = 65_534;

/// A process that is killed at the end of the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn port_of(stack: &Stack, part: Part) -> u16 {
    stack.direct(part).rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("the address should end with a port")
}

fn free_port() -> Port {
    Port::free().expect("a port should be free")
}

fn replica(stack: &Stack, name: &str, settings: &[(&str, String)]) -> Replica {
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    stack.replica_with(name, &settings).expect("the replica should start")
}

/// Delivers to an ingest with these settings, and follows at a notifier with the same.
async fn assert_chain(stack: &Stack, admin: ApiClient, settings: &[(&str, String)]) {
    let (ingest, notifier) = (replica(stack, "ingest", settings), replica(stack, "notifier", settings));
    let mut mandrill = Mandrill::of(stack);
    mandrill.to = format!("{}/webhook/", ingest.address());
    let mut follower = Follower::new(admin);
    follower.addresses = vec![notifier.address()];
    follower.connect().await;
    for round in 1..=3 {
        let batch: Vec<Value> = (0..500).map(|n| event("open", &format!("m{round}-{n}"))).collect();
        let response = mandrill.deliver(&batch).await;
        assert_eq!(response.status, 200, "{}", response.text);
        follower.follow_until(|follower| follower.events.len() == round * 500).await;
    }
    until_readyz(&ingest.address(), 200, "redis", "up").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server of Debian"]
async fn redis_with_tls_and_an_acl_user() {
    let mut servers = Servers::find().expect("the servers should be there");
    servers.redis = REDIS.into();
    let stack = Stack::start_on(servers).expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let authority = Authority::new();
    let (server, client, port) = (authority.issue("localhost"), authority.issue("client"), free_port());
    let settings = format!(
        "CONFIG SET tls-cert-file {} tls-key-file {} tls-ca-cert-file {} tls-auth-clients yes tls-port {}",
        text(&server.certificate),
        text(&server.key),
        text(&authority.certificate()),
        port.number()
    );
    assert_eq!(stack.redis(&settings).expect("Redis should accept TLS"), "+OK");
    let documented = std::fs::read_to_string(stack::paths::project().join("docs/configuration.md")).expect("the document");
    let rights = documented.lines().find(|line| line.starts_with("~ml:* ")).expect("the document should list the rights");
    assert_eq!(stack.redis(&format!("ACL SETUSER listener on >secret {rights}")).expect("Redis should add the user"), "+OK");
    let settings = [
        ("REDIS_URL", format!("rediss://listener@localhost:{}", port.number())),
        ("REDIS_PASSWORD", "secret".to_owned()),
        ("REDIS_CA_FILE", text(&authority.certificate())),
        ("REDIS_CLIENT_CERT_FILE", text(&client.certificate)),
        ("REDIS_CLIENT_KEY_FILE", text(&client.key)),
    ];
    assert_chain(&stack, admin, &settings).await;
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let doctor = stack.ingest_with(&["doctor"], &settings).expect("no check should fail");
    assert!(doctor.contains("the connection is encrypted, and the certificate and the host are checked"), "{doctor}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server of Debian"]
async fn redis_over_a_unix_socket() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let socket = text(&stack.folder().join("redis.sock"));
    let mut redis = Command::new(REDIS);
    redis.args(["--port", "0", "--save", "", "--requirepass", "secret", "--unixsocket", &socket]).current_dir(stack.folder());
    let _redis = Killed(redis.stdout(Stdio::null()).spawn().expect("Redis should start"));
    let url = format!("redis+unix://{socket}?pass=secret");
    assert_chain(&stack, admin, &[("REDIS_URL", url)]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql-15 of Debian"]
async fn postgres_15_with_tls_and_a_client_certificate() {
    let mut servers = Servers::find().expect("the servers should be there");
    servers.postgres_bin = POSTGRES.into();
    let mut stack = Stack::start_on(servers).expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let authority = Authority::new();
    let (server, client) = (authority.issue("localhost"), authority.issue("certified"));
    let data = stack.folder().join("postgres");
    for (from, to) in [(&server.certificate, "server.pem"), (&server.key, "server.key"), (&authority.certificate(), "ca.pem")] {
        let to = data.join(to);
        std::fs::copy(from, &to).expect("the file should be copied");
        std::fs::set_permissions(&to, PermissionsExt::from_mode(0o600)).expect("the mode should be set");
        chown(&to, Some(NOBODY), Some(NOBODY)).expect("the owner should be set");
    }
    let mut database = Database::of(&stack).await;
    database.run("create role certified login in role mandrill_service").await;
    for setting in ["ssl_cert_file = 'server.pem'", "ssl_key_file = 'server.key'", "ssl_ca_file = 'ca.pem'", "ssl = on"] {
        database.run(&format!("alter system set {setting}")).await;
    }
    let rules = "hostssl all certified all cert\nhostssl all all all scram-sha-256\nhostnossl all all all reject\n";
    std::fs::write(data.join("pg_hba.conf"), rules).expect("the rules should be written");
    stack.restart(Part::Postgres).expect("Postgres should restart");
    until_readyz(&stack.direct(Part::Ingest), 200, "redis", "up").await;
    let settings = [
        (
            "DATABASE_URL",
            format!("postgresql://certified@localhost:{}/mandrill?sslmode=verify-full", port_of(&stack, Part::Postgres)),
        ),
        ("DATABASE_CA_FILE", text(&authority.certificate())),
        ("DATABASE_CLIENT_CERT_FILE", text(&client.certificate)),
        ("DATABASE_CLIENT_KEY_FILE", text(&client.key)),
    ];
    assert_chain(&stack, admin, &settings).await;
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let doctor = stack.ingest_with(&["doctor"], &settings).expect("no check should fail");
    assert!(doctor.contains("the connection is encrypted (TLSv1.3), and the certificate and the host are checked"), "{doctor}");
    let plain = format!("{}?sslmode=disable", stack.database_url());
    let doctor = stack.ingest_with(&["doctor"], &[("DATABASE_URL", &plain)]).expect_err("the doctor should fail").to_string();
    assert!(doctor.contains("Postgres rejects the user, the password or our certificate"), "{doctor}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pgbouncer of Debian"]
async fn pgbouncer_works_in_session_mode_and_is_refused_in_transaction_mode() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let (folder, password) = (stack.folder().to_owned(), stack.settings().service_password.clone());
    let start = |mode: &str| {
        let (port, settings) = (free_port(), folder.join(format!("{mode}.ini")));
        std::fs::write(folder.join("users.txt"), format!("\"mandrill_service\" \"{password}\"\n"))
            .expect("the file should be written");
        let text = format!(
            "[databases]\nmandrill = host=127.0.0.1 port={} dbname=mandrill\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {}\n\
             auth_type = scram-sha-256\nauth_file = {}\npool_mode = {mode}\ndefault_pool_size = 60\nunix_socket_dir =\n",
            port_of(&stack, Part::Postgres),
            port.number(),
            folder.join("users.txt").display()
        );
        std::fs::write(&settings, text).expect("the settings should be written");
        let mut pgbouncer = Command::new(PGBOUNCER);
        pgbouncer.arg("-q").arg("-u").arg("nobody").arg(&settings).stdout(Stdio::null()).stderr(Stdio::null());
        (Killed(pgbouncer.spawn().expect("PgBouncer should start")), port)
    };
    let (_session, port) = start("session");
    let url = |port: u16| ("DATABASE_URL", format!("postgres://mandrill_service:{password}@127.0.0.1:{port}/mandrill"));
    assert_chain(&stack, admin, &[url(port.number())]).await;
    let (name, value) = url(port.number());
    let doctor = stack.ingest_with(&["doctor"], &[(name, &value)]).expect("no check should fail");
    assert!(doctor.contains("ok    database"), "{doctor}");

    let (_transaction, port) = start("transaction");
    let (name, value) = url(port.number());
    let doctor = stack.ingest_with(&["doctor"], &[(name, &value)]).expect_err("the doctor should fail").to_string();
    assert!(doctor.contains("FAIL  database    A pooler gives our connections to others between transactions"), "{doctor}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs nginx 1.22 of Debian"]
async fn nginx_1_22_passes_requests_to_one_address_or_several() {
    let mut servers = Servers::find().expect("the servers should be there");
    servers.nginx = NGINX.into();
    let mut stack = Stack::start_on(servers).expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    assert_eq!(mandrill.deliver(&[event("open", "m1")]).await.status, 200);
    let ingests = [replica(&stack, "ingest", &[]), replica(&stack, "ingest", &[])];
    let notifiers = [replica(&stack, "notifier", &[]), replica(&stack, "notifier", &[])];
    stack.route_to(&ingests, &notifiers).expect("nginx should restart");
    stack.stop(Part::Ingest);
    stack.stop(Part::Notifier);
    assert_eq!(mandrill.deliver(&[event("open", "m2")]).await.status, 200);
    let mut follower = Follower::new(admin);
    follower.connect().await;
    follower.follow_until(|follower| follower.events.len() == 2).await;
}
