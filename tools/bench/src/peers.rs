//! The peers in `tools/bench/peers`: installed once, started beside our own Postgres, driven as we are.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use stack::{Stack, paths};

use crate::{cost, database, say};

/// How long a peer may take to answer.
const READY: Duration = Duration::from_secs(60);

/// Somebody else's answer to the same job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// Its folder.
    folder: &'static str,
    /// `PEER_MODE`.
    mode: &'static str,
    /// Where it says that it can serve.
    health: &'static str,
    /// As the table names it.
    pub(crate) name: &'static str,
}

pub(crate) const DJANGO_TUNED: Kind =
    Kind { folder: "django", mode: "tuned", health: "/healthz", name: "Django REST Framework, tuned" };
pub(crate) const DJANGO_PLAIN: Kind =
    Kind { folder: "django", mode: "plain", health: "/healthz", name: "Django REST Framework, a newcomer's" };
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

/// By what a peer's events can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Indexes {
    /// Kind, message and recipient.
    Few,
    /// All that ours can be found by, any part of any word too.
    Search,
}

/// A running peer. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Peer {
    child: Child,
    /// Where it listens.
    pub(crate) address: String,
    /// Its own database; empty for those that have none.
    database: String,
}

impl Peer {
    /// Installs it if need be, and starts it with an empty database. None when it cannot be installed here.
    pub(crate) async fn start(kind: Kind, indexes: Indexes, stack: &Stack) -> anyhow::Result<Option<Self>> {
        let database = fresh_database(stack, &format!("peer_{}{}", kind.folder, kind.mode)).await?;
        apply("tools/bench/peers/schema.sql", &database).await?;
        if indexes == Indexes::Search {
            apply("tools/bench/peers/search.sql", &database).await?;
            apply("migrations/20261126000001_search_by_index.sql", &database).await?;
        }
        Self::run(kind, stack, database).await
    }

    /// The same, with the stack's Redis and no database.
    pub(crate) async fn start_beside(kind: Kind, stack: &Stack) -> anyhow::Result<Option<Self>> {
        Self::run(kind, stack, String::new()).await
    }

    async fn run(kind: Kind, stack: &Stack, database: String) -> anyhow::Result<Option<Self>> {
        let project = paths::project();
        let folder = project.join("tools/bench/peers").join(kind.folder);
        let home = project.join("target/bench/peers").join(kind.folder);
        std::fs::create_dir_all(&home)?;
        say(&format!("  {}: installing, once …", kind.name));
        let installed = Command::new(folder.join("setup")).env("PEER_HOME", &home).stdout(Stdio::null()).status();
        if !installed.is_ok_and(|status| status.success()) {
            say(&format!("  {} is SKIPPED: it cannot be installed here", kind.name));
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
        let deadline = Instant::now() + READY;
        while !peer.answers(kind.health).await {
            if peer.child.try_wait()?.is_some() || Instant::now() > deadline {
                bail!("{} does not answer: {}", kind.name, std::fs::read_to_string(&log).unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(Some(peer))
    }

    async fn answers(&self, path: &str) -> bool {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let ask = async {
            let mut stream = tokio::net::TcpStream::connect(self.address.trim_start_matches("http://")).await?;
            stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").as_bytes()).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answered = tokio::time::timeout(Duration::from_secs(5), ask).await;
        matches!(answered, Ok(Ok(answer)) if answer.get(9..12) == Some(b"200"))
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// CPU of all its processes so far.
    pub(crate) fn cpu(&self) -> Duration {
        cost::cpu(self.child.id())
    }

    /// Fails unless as many rows are there as were acknowledged.
    pub(crate) async fn check(&self, acknowledged: usize) -> anyhow::Result<()> {
        let rows = database::count(&self.database).await?;
        ensure!(usize::try_from(rows)? == acknowledged, "{acknowledged} events were acknowledged, and {rows} are there");
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

/// An empty database of the peer's own in our server; gives its URL.
async fn fresh_database(stack: &Stack, name: &str) -> anyhow::Result<String> {
    let ours = stack.database_url();
    let mut connection = PgConnection::connect(&ours).await?;
    for sql in [format!("drop database if exists {name} with (force)"), format!("create database {name}")] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
    }
    let (server, _) = ours.rsplit_once('/').context("a database URL")?;
    let url = format!("{server}/{name}");
    Ok(url)
}

/// Applies a file of the project.
async fn apply(file: &str, url: &str) -> anyhow::Result<()> {
    let sql = std::fs::read_to_string(paths::project().join(file))?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut PgConnection::connect(url).await?).await?;
    Ok(())
}
