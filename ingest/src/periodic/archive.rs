//! Archives partitions, and reads them again.
//!
//! - `save`: writes a partition before retention drops it.
//! - `verify`: compares the files of a partition with what was written.
//! - `restore`: stores the events of a partition again.
//! - `erase`: removes erased people from the files.

pub mod erase;
pub mod restore;
pub(crate) mod save;
pub mod verify;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::archive::error::ArchiveError;
use crate::archive::file::{EncodedFile, FileReader};
use crate::archive::storage::Storage;
use crate::store::archive::ArchivedFile;

/// Reads a file, and compares it with what was written.
async fn read(storage: &Storage, file: &ArchivedFile) -> Result<Bytes, ArchiveError> {
    let content = storage.get(&file.path).await?;
    if Sha256::digest(&content)[..] == file.digest[..] {
        Ok(content)
    } else {
        Err(ArchiveError::damaged(&file.path, "does not contain what was written"))
    }
}

/// Writes a file, reads it back and compares each value. Returns its digest.
async fn write(storage: &Storage, path: &str, file: EncodedFile) -> Result<Vec<u8>, ArchiveError> {
    let EncodedFile { content, totals: expected, .. } = file;
    let digest = Sha256::digest(&content).to_vec();
    // It is not in memory any more when it is read back.
    storage.put(path, content).await?;
    let content = storage.get(path).await?;
    if Sha256::digest(&content)[..] != digest[..] {
        return Err(ArchiveError::damaged(path, "is not read as it was written"));
    }
    let totals = on_other_thread(path, move || FileReader::new(content)?.totals()).await?;
    if totals == expected { Ok(digest) } else { Err(ArchiveError::damaged(path, "contains other values than were written")) }
}

/// Runs what takes longer than other tasks of the runtime should wait.
async fn on_other_thread<T: Send + 'static>(
    path: &str,
    work: impl FnOnce() -> Result<T, parquet::errors::ParquetError> + Send + 'static,
) -> Result<T, ArchiveError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| ArchiveError::damaged(path, format!("cannot be encoded or decoded: {error}"))),
        // The library for Parquet panics at some kinds of damage.
        Err(error) if error.is_panic() => Err(ArchiveError::damaged(path, "cannot be encoded or decoded")),
        Err(_) => Err(ArchiveError::Interrupted),
    }
}
