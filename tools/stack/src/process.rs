//! One server process: started, watched until it answers, and ended.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Doing, Error};
use crate::leash::Leash;

/// How long a server may take to answer; generous, for a loaded machine.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a server may take to end before it is killed.
const END_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    ends_by: Signal,
    leash: Arc<Leash>,
}

impl Process {
    /// Starts `command` in a process group of its own, its output appended to `log`.
    pub(crate) fn start(
        name: &str,
        mut command: Command,
        log: PathBuf,
        ends_by: Signal,
        leash: &Arc<Leash>,
    ) -> Result<Self, Error> {
        let output = File::options().create(true).append(true).open(&log).doing(format!("opening {}", log.display()))?;
        let errors = output.try_clone().doing("sharing a log file")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .doing(format!("starting {name} ({})", command.get_program().display()))?;
        leash.add(child.id(), if ends_by == Signal::INT { "INT" } else { "TERM" });
        Ok(Self { name: name.to_owned(), child, log, ends_by, leash: Arc::clone(leash) })
    }

    /// Returns once `answers` does, and fails when the process ends before that or stays silent.
    pub(crate) fn wait_until(&mut self, mut answers: impl FnMut() -> bool) -> Result<(), Error> {
        let deadline = Instant::now() + READY_WITHIN;
        while !answers() {
            if self.has_ended() {
                return Err(self.not_ready("ended"));
            }
            if Instant::now() > deadline {
                return Err(self.not_ready("did not answer in time"));
            }
            sleep(POLL);
        }
        Ok(())
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// True when the process is gone.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Says that it ended, with the end of its log.
    pub fn not_ready(&self, what: &'static str) -> Error {
        Error::NotReady { name: self.name.clone(), what, log: self.log.clone(), tail: tail(&self.log) }
    }

    /// kill -9.
    pub(crate) fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal, such as STOP or CONT.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.signal(self.ends_by);
            let deadline = Instant::now() + END_WITHIN;
            while !self.has_ended() && Instant::now() < deadline {
                sleep(POLL);
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        self.leash.remove(self.child.id());
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let mut text = String::new();
    let _ = File::open(log).and_then(|mut file| file.read_to_string(&mut text));
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Runs a helper to its end, and gives what it printed.
pub(crate) fn output_of(command: &mut Command) -> Result<String, Error> {
    let name = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().doing(format!("running {name}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(Error::Command { command: name, output: String::from_utf8_lossy(&said).into_owned() })
}

/// Runs a server's program as an unprivileged user when we are root.
pub(crate) fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new(program);
    if crate::place::is_root() {
        command.uid(crate::place::NOBODY).gid(crate::place::NOBODY);
    }
    command
}
