//! The reasons that events cannot be archived or restored.

/// The reason that a partition was not archived, or a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
    /// The storage refused a request, or could not be reached.
    #[error("the storage {problem} ({operation} {path})")]
    Storage {
        /// What was tried.
        operation: &'static str,
        /// The file, below `ARCHIVE_URL`.
        path: String,
        /// What went wrong, without the text of the response.
        problem: String,
    },
    /// A file does not contain what was written.
    #[error("the file {path} {problem}")]
    Damaged {
        /// The file, below `ARCHIVE_URL`.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The files of a partition do not contain its events.
    #[error("the files contain {found} events of {expected}, or others than the partition")]
    Incomplete {
        /// Events in the files.
        found: i64,
        /// Events in the partition.
        expected: i64,
    },
    /// A stored payload cannot be decompressed.
    #[error("the payload of event {id} cannot be read: {problem}")]
    Payload {
        /// The event.
        id: i64,
        /// What is wrong with it.
        problem: String,
    },
    /// A command cannot do what it was asked to.
    #[error("{0}")]
    Refused(String),
    /// The process is ending.
    #[error("the process is ending")]
    Interrupted,
}

impl ArchiveError {
    /// An error of the storage. Texts of responses are left out, except for the code of S3.
    pub(crate) fn storage(operation: &'static str, path: &str, error: &object_store::Error) -> Self {
        use object_store::Error;
        let text = error.to_string();
        let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
        let problem = match error {
            Error::NotFound { .. } => "does not have it".to_owned(),
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => "refused the credentials".to_owned(),
            _ => "failed".to_owned(),
        };
        let problem = code.map_or_else(|| problem.clone(), |code| format!("{problem}: {code}"));
        Self::Storage { operation, path: path.to_owned(), problem }
    }

    pub(crate) fn damaged(path: &str, problem: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), problem: problem.to_string() }
    }
}
