//! Checks of the archive.

use crate::api::system::report::Finding;
use crate::archive::storage::Storage;

/// Whether files can be written to the archive and read.
pub(super) async fn finding(storage: &Storage, retention_days: Option<u32>) -> Finding {
    match storage.probe().await {
        Err(error) => Finding::fail(
            "archive",
            format!("Nothing can be archived, because {error}."),
            "Check ARCHIVE_URL, ARCHIVE_ENDPOINT, the credentials, and what they may do below the prefix.",
        ),
        Ok(()) if retention_days.is_none() => Finding::warn(
            "archive",
            "The archive works, but nothing expires.",
            "Set RETENTION_DAYS, after which events are archived.",
        ),
        Ok(()) => Finding::ok("archive", "Files can be written to the archive and read."),
    }
}
