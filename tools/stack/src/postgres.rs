//! A private Postgres with one cluster, one database, and one user with a password, who owns it. `ingest migrate` creates the other.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::error::{Error, ErrorContext};
use crate::paths;
use crate::ports::Port;
use crate::process::{self, Process, output_of, unprivileged};
use crate::reaper::Reaper;
use crate::servers::Servers;

/// The owner of the tables.
pub(crate) const USER: &str = "mandrill";
/// The role of the services.
pub(crate) const SERVICE_USER: &str = "mandrill_service";
pub(crate) const DATABASE: &str = "mandrill";

/// Creates a cluster in `folder` unless there already is one.
pub(crate) fn init(servers: &Servers, folder: &Path, password: &str) -> Result<(), Error> {
    if folder.join("PG_VERSION").exists() {
        return Ok(());
    }
    paths::create_private_dir(folder)?;
    let pwfile = folder.with_file_name("postgres-password");
    paths::write_private(&pwfile, password)?;
    if paths::is_root() {
        std::os::unix::fs::chown(&pwfile, Some(paths::NOBODY_ID), Some(paths::NOBODY_ID))
            .context("changing the owner of the password file")?;
    }
    let mut initdb = unprivileged(&servers.postgres_bin.join("initdb"));
    initdb.arg("--pgdata").arg(folder).arg("--pwfile").arg(&pwfile);
    initdb.args(["--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]);
    let result = output_of(initdb.current_dir(folder));
    std::fs::remove_file(&pwfile).context("removing the password file")?;
    result.map(drop)
}

/// Copies a running cluster to `folder`, which must not exist yet.
pub(crate) fn base_backup(servers: &Servers, folder: &Path, password: &str, port: &Port, options: &[&str]) -> Result<(), Error> {
    paths::create_private_dir(folder)?;
    let mut command = unprivileged(&servers.postgres_bin.join("pg_basebackup"));
    command.arg("--pgdata").arg(folder).args(["--checkpoint", "fast", "--no-sync"]).args(options).current_dir(folder);
    command.args(["-h", "127.0.0.1", "-p", &port.number().to_string(), "-U", USER]).env("PGPASSWORD", password);
    output_of(&mut command).map(drop)
}

/// Starts the cluster, waits until it is ready, and creates the database if it is missing.
pub(crate) fn start(
    servers: &Servers,
    folder: &Path,
    password: &str,
    port: &Port,
    log: &Path,
    reaper: &Arc<Reaper>,
) -> Result<Process, Error> {
    let port = port.number().to_string();
    // After kill -9, the old server's last backends briefly keep its shared memory attached, and a new server refuses to start.
    let deadline = Instant::now() + Duration::from_secs(10);
    let process = loop {
        match try_start(servers, folder, &port, log, reaper) {
            Err(Error::NotReady { problem: process::EXITED, .. }) if Instant::now() < deadline => {
                sleep(Duration::from_millis(50))
            }
            outcome => break outcome?,
        }
    };
    let sql = |query: &str| {
        let mut psql = Command::new(servers.postgres_bin.join("psql"));
        psql.args(["-X", "-A", "-t", "-h", "127.0.0.1", "-p", &port, "-U", USER, "-d", "postgres", "-c", query]);
        output_of(psql.env("PGPASSWORD", password))
    };
    if sql(&format!("select 1 from pg_database where datname = '{DATABASE}'"))?.trim().is_empty() {
        sql(&format!("create database {DATABASE}"))?;
    }
    Ok(process)
}

fn try_start(servers: &Servers, folder: &Path, port: &str, log: &Path, reaper: &Arc<Reaper>) -> Result<Process, Error> {
    let mut command = unprivileged(&servers.postgres_bin.join("postgres"));
    command.arg("-D").arg(folder).args(["-p", port]).current_dir(folder);
    let local = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=100", "log_checkpoints=off"];
    // The buffer sizes match docker-compose.yml.
    for setting in local.into_iter().chain(["shared_buffers=512MB", "wal_buffers=64MB"]) {
        command.args(["-c", setting]);
    }
    let mut process = Process::start("Postgres", command, log.to_path_buf(), Signal::INT, reaper)?;
    process.wait_until(|| {
        let mut pg_isready = Command::new(servers.postgres_bin.join("pg_isready"));
        pg_isready.args(["-q", "-h", "127.0.0.1", "-p", port, "-d", "postgres"]).stdin(Stdio::null());
        pg_isready.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    })?;
    Ok(process)
}

/// The address for a user.
pub(crate) fn url(user: &str, password: &str, port: u16) -> String {
    format!("postgres://{user}:{password}@127.0.0.1:{port}/{DATABASE}")
}
