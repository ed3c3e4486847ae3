//! An additional process for a service.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::process::Signal;

use crate::error::Error;
use crate::ports::Port;
use crate::process::Process;
use crate::reaper::Reaper;
use crate::service;

/// An additional process for a service. Dropping it stops the process.
#[derive(Debug)]
pub struct Replica {
    process: Option<Process>,
    port: Port,
    program: PathBuf,
    environment: Vec<(String, String)>,
    log: PathBuf,
    reaper: Arc<Reaper>,
}

impl Replica {
    /// Starts it.
    ///
    /// # Errors
    /// Returns an error if it does not become ready.
    pub(crate) fn start(
        program: &Path,
        environment: Vec<(String, String)>,
        port: Port,
        log: PathBuf,
        reaper: Arc<Reaper>,
    ) -> Result<Self, Error> {
        let mut replica = Self { process: None, port, program: program.to_path_buf(), environment, log, reaper };
        replica.restart()?;
        Ok(replica)
    }

    /// Its base URL, `http://127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
    }

    /// Its process id; 0 if it does not run.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().map_or(0, Process::pid)
    }

    /// Sends SIGTERM without waiting.
    pub fn terminate(&self) {
        if let Some(process) = &self.process {
            process.signal(Signal::TERM);
        }
    }

    /// Returns whether it has exited.
    pub fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_none_or(Process::has_ended)
    }

    /// Kills it with SIGKILL.
    pub fn kill(mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Stops it, waits until it has exited, and starts it again on the same port.
    ///
    /// # Errors
    /// Returns an error if it does not become ready.
    pub fn restart(&mut self) -> Result<(), Error> {
        drop(self.process.take());
        self.process = Some(service::start(&self.program, &self.environment, &self.port, &self.log, &self.reaper)?);
        Ok(())
    }
}
