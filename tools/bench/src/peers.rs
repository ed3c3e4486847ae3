//! Installs and starts the peers in `tools/bench/peers`, which use our stack's Postgres and Redis.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use stack::{Stack, paths};

use crate::run::print_line;
use crate::{cost, database};

/// Maximum time for a peer to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// An alternative implementation of the same job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// Its directory in `tools/bench/peers`.
    folder: &'static str,
    /// The value of `PEER_MODE`.
    mode: &'static str,
    /// The path of its health check.
    health: &'static str,
    /// Its name in the table.
    pub(crate) name: &'static str,
}

pub(crate) const DJANGO_TUNED: Kind =
    Kind { folder: "django", mode: "tuned", health: "/healthz", name: "Django REST Framework, tuned" };
pub(crate) const DJANGO_PLAIN: Kind =
    Kind { folder: "django", mode: "plain", health: "/healthz", name: "Django REST Framework, plain" };
pub(crate) const FASTIFY: Kind = Kind { folder: "fastify", mode: "", health: "/healthz", name: "fastify, pg, UNNEST" };

pub(crate) const NCHAN: Kind = Kind { folder: "nchan", mode: "", health: "/healthz", name: "nchan with Redis" };
pub(crate) const WS: Kind = Kind { folder: "ws", mode: "", health: "/healthz", name: "ws and ioredis on Node" };
pub(crate) const SOCKETIO: Kind =
    Kind { folder: "socketio", mode: "", health: "/healthz", name: "Socket.IO with its Redis adapter" };
pub(crate) const SOCKUDO: Kind = Kind { folder: "sockudo", mode: "", health: "/up", name: "sockudo with Redis" };
pub(crate) const CHANNELS_UVICORN: Kind =
    Kind { folder: "channels", mode: "uvicorn", health: "/healthz", name: "Django Channels, uvicorn" };
pub(crate) const CHANNELS_DAPHNE: Kind =
    Kind { folder: "channels", mode: "daphne", health: "/healthz", name: "Django Channels, daphne" };

/// The indexes on a peer's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Indexes {
    /// By event type, message and recipient.
    Basic,
    /// By everything that our service can search for, including any substring of a word.
    Search,
}

/// A running peer. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Peer {
    child: Child,
    /// Its base URL.
    pub(crate) address: String,
    /// The URL of its database; empty for peers that have none.
    pub(crate) database: String,
}

impl Peer {
    /// Installs the peer if necessary and starts it with an empty database. Returns `None` if it cannot be installed on this machine.
    pub(crate) async fn start(kind: Kind, indexes: Indexes, stack: &Stack) -> anyhow::Result<Option<Self>> {
        let database = database::create(stack, &format!("peer_{}{}", kind.folder, kind.mode)).await?;
        apply("tools/bench/peers/schema.sql", &database).await?;
        if indexes == Indexes::Search {
            apply("tools/bench/peers/search.sql", &database).await?;
        }
        Self::run(kind, stack, database).await
    }

    /// Like [`Peer::start`], but with the stack's Redis and no database.
    pub(crate) async fn start_without_database(kind: Kind, stack: &Stack) -> anyhow::Result<Option<Self>> {
        Self::run(kind, stack, String::new()).await
    }

    async fn run(kind: Kind, stack: &Stack, database: String) -> anyhow::Result<Option<Self>> {
        let project = paths::project();
        let folder = project.join("tools/bench/peers").join(kind.folder);
        let home = project.join(".runtime/bench/peers").join(kind.folder);
        std::fs::create_dir_all(&home)?;
        print_line(&format!("  {}: installing if necessary …", kind.name));
        let installed = Command::new(folder.join("setup")).env("PEER_HOME", &home).stdout(Stdio::null()).status();
        if !installed.is_ok_and(|status| status.success()) {
            print_line(&format!(
                "  {} SKIPPED: its setup failed, see above; tools/bench/peers/README.md lists what it needs",
                kind.name
            ));
            return Ok(None);
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log: PathBuf = stack.folder().join(format!("logs/{}{}.log", kind.folder, kind.mode));
        let child = Command::new(folder.join("run"))
            .env("PEER_HOME", &home)
            .env("PEER_MODE", kind.mode)
            .env("PORT", port.to_string())
            .env("DATABASE_URL", &database)
            .env("REDIS_URL", stack.redis_url())
            .env("WEBHOOK_KEY", &stack.settings().webhook_keys)
            .env("WEBHOOK_URL", stack.webhook_url())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", kind.name))?;
        let mut peer = Self { child, address: format!("http://127.0.0.1:{port}"), database };
        let deadline = Instant::now() + READY_TIMEOUT;
        while !peer.is_healthy(kind.health).await {
            if peer.child.try_wait()?.is_some() || Instant::now() > deadline {
                bail!("{} is not ready; its log: {}", kind.name, std::fs::read_to_string(&log).unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(Some(peer))
    }

    async fn is_healthy(&self, path: &str) -> bool {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let request = async {
            let mut stream = tokio::net::TcpStream::connect(self.address.trim_start_matches("http://")).await?;
            stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").as_bytes()).await?;
            let mut response = Vec::new();
            stream.read_to_end(&mut response).await?;
            Ok::<_, std::io::Error>(response)
        };
        let result = tokio::time::timeout(Duration::from_secs(5), request).await;
        matches!(result, Ok(Ok(response)) if response.get(9..12) == Some(b"200"))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The CPU time that its processes have used so far.
    pub(crate) fn cpu(&self) -> Duration {
        cost::cpu(self.child.id())
    }

    /// Checks that the number of stored events equals the number of acknowledged ones.
    pub(crate) async fn check(&self, acknowledged: usize) -> anyhow::Result<()> {
        let rows = database::count_events(&self.database).await?;
        ensure!(usize::try_from(rows)? == acknowledged, "{acknowledged} events were acknowledged, but {rows} are stored");
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        for signal in [Signal::TERM, Signal::KILL] {
            if let Some(group) = group {
                let _ = kill_process_group(group, signal);
            }
            let deadline = Instant::now() + Duration::from_secs(12);
            while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// Runs one of the project's SQL files.
async fn apply(file: &str, url: &str) -> anyhow::Result<()> {
    let sql = std::fs::read_to_string(paths::project().join(file))?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut PgConnection::connect(url).await?).await?;
    Ok(())
}
