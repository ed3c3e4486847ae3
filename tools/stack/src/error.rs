use std::path::PathBuf;

/// Why the stack could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or process operation failed.
    #[error("{context} failed: {source}")]
    Io {
        /// The operation, such as "reading nginx.conf".
        context: String,
        source: std::io::Error,
    },
    /// A helper command failed.
    #[error("{command} failed with this output:\n{output}")]
    Command {
        command: String,
        /// Both standard output and standard error.
        output: String,
    },
    /// A server exited, or did not become ready in time.
    #[error("{name} {problem}. The last lines of its log, {}:\n{tail}", log.display())]
    NotReady {
        /// The server's name.
        name: String,
        /// What happened to it, phrased as a predicate such as "exited".
        problem: &'static str,
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// A program or the frontend build is missing.
    #[error("{} is missing. To fix this, {hint}", path.display())]
    Missing {
        path: PathBuf,
        /// How to create it, phrased as an instruction.
        hint: &'static str,
    },
    /// The requested port is in use.
    #[error("port {0} on 127.0.0.1 is in use; choose another with PORT=")]
    PortTaken(u16),
    /// No port in the stack's range is free.
    #[error("no free port on 127.0.0.1; stop other stacks and try again")]
    NoPort,
    /// Servers did not come to an agreement in time.
    #[error("this did not happen in time: {0}")]
    Timeout(&'static str),
    /// No stack is running, or more than one is.
    #[error("{0}")]
    NotFound(String),
    /// `settings.json` is not valid.
    #[error("{} is not a valid settings file: {source}; correct it, or remove its folder to start from scratch", path.display())]
    Settings { path: PathBuf, source: serde_json::Error },
}

/// Adds the failed operation to an I/O error.
pub(crate) trait ErrorContext<T> {
    /// `operation` completes the message "… failed", for example "reading nginx.conf".
    fn context(self, operation: impl Into<String>) -> Result<T, Error>;
}

impl<T> ErrorContext<T> for std::io::Result<T> {
    fn context(self, operation: impl Into<String>) -> Result<T, Error> {
        self.map_err(|source| Error::Io { context: operation.into(), source })
    }
}
