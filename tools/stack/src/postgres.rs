//! A private Postgres: one cluster, one database, one user with a password.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::error::{Doing, Error};
use crate::leash::Leash;
use crate::place;
use crate::ports::Port;
use crate::process::{Process, output_of, unprivileged};
use crate::servers::Servers;

pub(crate) const USER: &str = "mandrill";
pub(crate) const DATABASE: &str = "mandrill";

/// Makes a cluster in `folder` unless there is one.
pub(crate) fn init(servers: &Servers, folder: &Path, password: &str) -> Result<(), Error> {
    if folder.join("PG_VERSION").exists() {
        return Ok(());
    }
    place::make_private(folder)?;
    let pwfile = folder.with_file_name("postgres-password");
    place::write_private(&pwfile, password)?;
    if place::is_root() {
        std::os::unix::fs::chown(&pwfile, Some(place::NOBODY), Some(place::NOBODY)).doing("handing over the password")?;
    }
    let mut initdb = unprivileged(&servers.postgres_bin.join("initdb"));
    initdb.arg("--pgdata").arg(folder).arg("--pwfile").arg(&pwfile);
    initdb.args(["--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]);
    let made = output_of(initdb.current_dir(folder));
    std::fs::remove_file(&pwfile).doing("removing the password file")?;
    made.map(drop)
}

/// Starts the cluster, waits until it answers, and makes the database unless it is there.
pub(crate) fn start(
    servers: &Servers,
    folder: &Path,
    password: &str,
    port: &Port,
    log: &Path,
    leash: &Arc<Leash>,
) -> Result<Process, Error> {
    let port = port.number().to_string();
    // After kill -9 the old server's last backends hold its shared memory for a moment, and a new one refuses to start.
    let deadline = Instant::now() + Duration::from_secs(10);
    let process = loop {
        match start_once(servers, folder, &port, log, leash) {
            Err(Error::NotReady { what: "ended", .. }) if Instant::now() < deadline => sleep(Duration::from_millis(50)),
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

fn start_once(servers: &Servers, folder: &Path, port: &str, log: &Path, leash: &Arc<Leash>) -> Result<Process, Error> {
    let mut command = unprivileged(&servers.postgres_bin.join("postgres"));
    command.arg("-D").arg(folder).args(["-p", port]).current_dir(folder);
    let private = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=100", "log_checkpoints=off"];
    // As in docker-compose.yml.
    for setting in private.into_iter().chain(["shared_buffers=512MB", "wal_buffers=64MB"]) {
        command.args(["-c", setting]);
    }
    let mut process = Process::start("Postgres", command, log.to_path_buf(), Signal::INT, leash)?;
    process.wait_until(|| {
        let mut ask = Command::new(servers.postgres_bin.join("pg_isready"));
        ask.args(["-q", "-h", "127.0.0.1", "-p", port, "-d", "postgres"]).stdin(Stdio::null());
        ask.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    })?;
    Ok(process)
}

/// How our services reach it.
pub(crate) fn url(password: &str, port: &Port) -> String {
    format!("postgres://{USER}:{password}@127.0.0.1:{}/{DATABASE}", port.number())
}
