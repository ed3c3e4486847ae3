//! Compares files with what was written.

use sqlx::PgPool;

use super::{on_other_thread, read};
use crate::archive::error::ArchiveError;
use crate::archive::file::FileReader;
use crate::archive::storage::Storage;
use crate::store::archive::{self, ArchivedFile};

/// Reads all files of a partition. `progress` is called after each file.
///
/// # Errors
/// If Postgres or the storage fails, or if a file does not contain what was written.
pub(crate) async fn verify(
    pool: &PgPool,
    storage: &Storage,
    name: &str,
    mut progress: impl FnMut(&ArchivedFile) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    for file in archive::files(pool, Some(name)).await? {
        let content = read(storage, &file).await?;
        let totals = on_other_thread(&file.path, move || FileReader::new(content)?.totals()).await?;
        if !file.agrees_with(&totals) {
            return Err(ArchiveError::damaged(&file.path, "contains other events than were written"));
        }
        progress(&file)?;
    }
    Ok(())
}
