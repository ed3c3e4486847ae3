//! Stops the stack's processes if their owner dies without stopping them.
//!
//! The reaper is a shell at the other end of a pipe. While the owner is alive, the shell only records processes. When the pipe
//! closes for any reason, it stops the processes still on its list, newest first, and removes the registered directory.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;

use crate::error::{Error, ErrorContext};

/// Reads lines of the form `+ PID SIGNAL`, `- PID` and `rm FOLDER`, and cleans up at the end of its input.
const SCRIPT: &str = r#"
list= folder=
while read -r verb what rest; do
  case $verb in
    +) list="$what:$rest $list" ;;
    -) kept=; for one in $list; do [ "${one%%:*}" = "$what" ] || kept="$kept$one "; done; list=$kept ;;
    rm) folder="$what${rest:+ $rest}" ;;
  esac
done
for one in $list; do kill -s "${one#*:}" "${one%%:*}" 2>/dev/null; done
for one in $list; do
  tries=0
  while kill -0 "${one%%:*}" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill -s KILL "${one%%:*}" 2>/dev/null
done
[ -z "$folder" ] || rm -rf "$folder"
"#;

/// The owner's end of the pipe. Dropping it makes the shell stop the processes still on its list.
#[derive(Debug)]
pub struct Reaper {
    pipe: Mutex<Option<ChildStdin>>,
    shell: Child,
}

impl Reaper {
    /// Starts the shell in its own process group, so that Ctrl-C does not reach it.
    ///
    /// # Errors
    /// Returns an error if `sh` cannot be started.
    pub fn new() -> Result<Self, Error> {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("starting sh")?;
        let pipe = Mutex::new(shell.stdin.take());
        Ok(Self { pipe, shell })
    }

    /// Adds a process to the list, with the signal that stops it.
    pub(crate) fn add(&self, pid: u32, signal: &str) {
        self.send(&format!("+ {pid} {signal}\n"));
    }

    /// Removes an exited process from the list.
    pub(crate) fn remove(&self, pid: u32) {
        self.send(&format!("- {pid}\n"));
    }

    /// Registers a directory to be removed on cleanup.
    pub(crate) fn remove_folder(&self, folder: &Path) {
        self.send(&format!("rm {}\n", folder.display()));
    }

    fn send(&self, line: &str) {
        let mut pipe = self.pipe.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(pipe) = pipe.as_mut() {
            // The shell outlives this process, so a write can only fail if the shell was killed, in which case nothing can be done.
            let _ = pipe.write_all(line.as_bytes());
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.pipe.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let _ = self.shell.wait();
    }
}
