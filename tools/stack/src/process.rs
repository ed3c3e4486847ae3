//! A server process: starting it, waiting until it is ready, and stopping it.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Error, ErrorContext};
use crate::reaper::Reaper;

/// Maximum time for a server to become ready; generous, to allow for a loaded machine.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// Maximum time for a server to exit before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The problem reported for a server that exited before it was ready.
pub(crate) const EXITED: &str = "exited before it was ready";

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    stop_signal: Signal,
    reaper: Arc<Reaper>,
}

impl Process {
    /// Starts `command` in its own process group and appends its output to `log`.
    pub(crate) fn start(
        name: &str,
        mut command: Command,
        log: PathBuf,
        stop_signal: Signal,
        reaper: &Arc<Reaper>,
    ) -> Result<Self, Error> {
        let output = File::options().create(true).append(true).open(&log).context(format!("opening {}", log.display()))?;
        let errors = output.try_clone().context("sharing a log file")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .context(format!("starting {name} ({})", command.get_program().display()))?;
        reaper.add(child.id(), if stop_signal == Signal::INT { "INT" } else { "TERM" });
        Ok(Self { name: name.to_owned(), child, log, stop_signal, reaper: Arc::clone(reaper) })
    }

    /// Waits until `is_ready` returns true. Fails if the process exits first or takes longer than `READY_TIMEOUT`.
    pub(crate) fn wait_until(&mut self, mut is_ready: impl FnMut() -> bool) -> Result<(), Error> {
        let deadline = Instant::now() + READY_TIMEOUT;
        while !is_ready() {
            if self.has_ended() {
                return Err(self.not_ready(EXITED));
            }
            if Instant::now() > deadline {
                return Err(self.not_ready("was not ready in time"));
            }
            sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns whether the process has exited.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Creates an error with this problem and the last lines of the log.
    pub fn not_ready(&self, problem: &'static str) -> Error {
        Error::NotReady { name: self.name.clone(), problem, log: self.log.clone(), tail: tail(&self.log) }
    }

    /// Kills the process with SIGKILL.
    pub(crate) fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.signal(self.stop_signal);
            let deadline = Instant::now() + STOP_TIMEOUT;
            while !self.has_ended() && Instant::now() < deadline {
                sleep(POLL_INTERVAL);
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        self.reaper.remove(self.child.id());
    }
}

/// Returns the last lines of a log.
fn tail(log: &Path) -> String {
    let mut text = String::new();
    let _ = File::open(log).and_then(|mut file| file.read_to_string(&mut text));
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Runs a helper command to completion and returns its standard output.
pub(crate) fn output_of(command: &mut Command) -> Result<String, Error> {
    let name = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().context(format!("running {name}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let printed = [output.stdout, output.stderr].concat();
    Err(Error::Command { command: name, output: String::from_utf8_lossy(&printed).into_owned() })
}

/// Creates a command that runs as `nobody` if this process is root.
pub(crate) fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new(program);
    if crate::paths::is_root() {
        command.uid(crate::paths::NOBODY_ID).gid(crate::paths::NOBODY_ID);
    }
    command
}
