use std::path::PathBuf;

/// Why the stack could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or process operation failed.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A helper command failed.
    #[error("{command} failed; it said:\n{output}")]
    Command {
        /// Its name.
        command: String,
        /// What it printed.
        output: String,
    },
    /// A server ended, or did not answer in time.
    #[error("{name} {what}; its log ({}) ends with:\n{tail}", log.display())]
    NotReady {
        /// Which one.
        name: String,
        /// Ended, or silent.
        what: &'static str,
        /// Its log file.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// A service or the frontend has not been built.
    #[error("{} is missing; build it first: {hint}", path.display())]
    NotBuilt {
        /// What is missing.
        path: PathBuf,
        /// The command that makes it.
        hint: &'static str,
    },
    /// The port that was asked for is taken.
    #[error("port {0} of 127.0.0.1 is in use; choose another with PORT=")]
    PortTaken(u16),
    /// No free port was found.
    #[error("no free port was found")]
    NoPort,
    /// A file of settings cannot be read.
    #[error("{} is not readable as settings: {source}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// Says what was being done when an operation failed.
pub(crate) trait Doing<T> {
    fn doing(self, what: impl Into<String>) -> Result<T, Error>;
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, what: impl Into<String>) -> Result<T, Error> {
        self.map_err(|source| Error::Io { doing: what.into(), source })
    }
}
