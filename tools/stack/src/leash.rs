//! Ends what this process started, should it die without doing so itself.
//!
//! A shell holds the other end of a pipe. While we live it only takes notes; when the pipe closes, for whatever reason, it
//! ends the processes still on its list, newest first, and removes the folder if it was told to.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;

use crate::error::{Doing, Error};

/// Reads `+ PID SIGNAL`, `- PID` and `rm FOLDER`; at the end of its input it acts.
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

/// The pipe to the shell. Dropping it lets the shell act on what is still on its list.
#[derive(Debug)]
pub struct Leash {
    notes: Mutex<Option<ChildStdin>>,
    shell: Child,
}

impl Leash {
    /// Starts the shell, in a process group of its own so that Ctrl-C does not reach it.
    ///
    /// # Errors
    /// When `sh` cannot be started.
    pub fn new() -> Result<Self, Error> {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .doing("starting sh")?;
        let notes = Mutex::new(shell.stdin.take());
        Ok(Self { notes, shell })
    }

    /// Puts a process on the list, with the signal that asks it to end.
    pub(crate) fn add(&self, pid: u32, signal: &str) {
        self.note(&format!("+ {pid} {signal}\n"));
    }

    /// Takes an ended process off the list.
    pub(crate) fn remove(&self, pid: u32) {
        self.note(&format!("- {pid}\n"));
    }

    /// Has the folder removed at the end.
    pub(crate) fn remove_folder(&self, folder: &Path) {
        self.note(&format!("rm {}\n", folder.display()));
    }

    fn note(&self, line: &str) {
        let mut notes = self.notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(pipe) = notes.as_mut() {
            // The shell cannot be gone before us; and if it were, there is nobody left to tell.
            let _ = pipe.write_all(line.as_bytes());
        }
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let _ = self.shell.wait();
    }
}
