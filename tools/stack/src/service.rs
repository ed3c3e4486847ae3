//! The ingest and notifier services, as built by cargo.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;

use crate::error::Error;
use crate::nginx::get;
use crate::ports::Port;
use crate::process::Process;
use crate::reaper::Reaper;

/// Finds the executable `name` in the directory of the current executable or in its parent, because tests run from `deps/`.
pub(crate) fn program(name: &str) -> Result<PathBuf, Error> {
    let current = std::env::current_exe().unwrap_or_default();
    let found = current.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| Error::Missing { path: current.with_file_name(name), hint: "run `cargo build --workspace`" })
}

/// Creates a command for a service with exactly these environment variables.
pub(crate) fn command(program: &Path, environment: &[(String, String)]) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(environment.iter().map(|(key, value)| (key, value)));
    command
}

/// Starts `program serve` and waits until it is ready.
pub(crate) fn start(
    program: &Path,
    environment: &[(String, String)],
    port: &Port,
    log: &Path,
    reaper: &Arc<Reaper>,
) -> Result<Process, Error> {
    let number = port.number();
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let mut command = command(program, environment);
    command.arg("serve").env("LISTEN", format!("127.0.0.1:{number}"));
    let mut process = Process::start(&name, command, log.to_path_buf(), Signal::TERM, reaper)?;
    process.wait_until(|| get(number, "/readyz") == Some(200))?;
    Ok(process)
}
