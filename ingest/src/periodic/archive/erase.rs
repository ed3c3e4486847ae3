//! Removes erased people from archived files.
//!
//! Only HMACs of erased addresses are known, so every address in the files is compared with them. A file that contains somebody is written again under
//! its name.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use sqlx::PgPool;
use time::OffsetDateTime;

use super::{on_other_thread, read, write};
use crate::archive::error::ArchiveError;
use crate::archive::event::ArchivedEvent;
use crate::archive::file::{EncodedFile, FileReader, FileWriter};
use crate::archive::storage::Storage;
use crate::erasure::keys::SecretKeys;
use crate::erasure::list::Erasures;
use crate::store::archive::{self, ArchivedFile};
use crate::store::erasures::{self, ErasureCache, KNOWN_AFTER};
use crate::store::{diagnostics, events};

/// Applies the erasures that files do not know yet, and returns the number of files that were written again. A run that is ended continues at the
/// next one.
///
/// # Errors
/// If Postgres or the storage fails.
pub(crate) async fn apply(pool: &PgPool, storage: &Storage, keys: &SecretKeys) -> Result<usize, ArchiveError> {
    let mut pending = archive::files(pool, None).await?;
    let erasures = known_erasures(pool, keys).await?;
    pending.retain(|file| file.erasures_through < erasures.last_id);
    if pending.is_empty() {
        return Ok(0);
    }
    let now = diagnostics::now(pool).await?;
    // Events without a recipient belong to an erased person if another event of their message does, which can be in any file or in the database.
    let mut messages: HashSet<String> = archive::erased_messages(pool).await?.into_iter().collect();
    // One file that cannot be read does not keep the others from being written.
    let mut problem = None;
    let mut readable = Vec::with_capacity(pending.len());
    for file in pending {
        match find_in_file(storage, &file, &erasures).await {
            Ok(found) => {
                events::erase::erase_messages(pool, &found.erased).await?;
                messages.extend(found.erased);
                messages.extend(erasures::erased_messages(pool, &found.doubtful).await?);
                readable.push(file);
            }
            Err(error) => problem = problem.or(Some(error)),
        }
    }
    let messages = Arc::new(messages);
    let mut written = 0;
    for file in readable {
        match erase_in_file(pool, storage, file, &erasures, &messages, now).await {
            Ok(is_written) => written += usize::from(is_written),
            Err(error) => problem = problem.or(Some(error)),
        }
    }
    problem.map_or(Ok(written), Err)
}

/// The erased addresses.
///
/// # Errors
/// If Postgres fails, or if some addresses were erased with a key that is not known, so that nobody can say whether they are in a file.
pub(super) async fn known_erasures(pool: &PgPool, keys: &SecretKeys) -> Result<Arc<Erasures>, ArchiveError> {
    let erasures = ErasureCache::new(keys.clone()).get(pool).await?;
    if erasures.has_unknown_key {
        let problem = "SECRET_KEY lacks a key with which people were erased, so they cannot be found in the archive";
        return Err(ArchiveError::Refused(problem.to_owned()));
    }
    Ok(erasures)
}

async fn find_in_file(storage: &Storage, file: &ArchivedFile, erasures: &Arc<Erasures>) -> Result<Found, ArchiveError> {
    let content = read(storage, file).await?;
    let erasures = Arc::clone(erasures);
    on_other_thread(&file.path, move || find_messages(content, &erasures)).await
}

/// Writes a file again without the erased people in it. Returns false if it contains none of them.
async fn erase_in_file(
    pool: &PgPool,
    storage: &Storage,
    mut file: ArchivedFile,
    erasures: &Arc<Erasures>,
    messages: &Arc<HashSet<String>>,
    now: OffsetDateTime,
) -> Result<bool, ArchiveError> {
    let content = read(storage, &file).await?;
    let (list, of_erased) = (Arc::clone(erasures), Arc::clone(messages));
    let erased = on_other_thread(&file.path, move || erase(content, &list, &of_erased, now)).await?;
    file.erasures_through = erasures.last_id;
    let Some((encoded, erased_messages)) = erased else {
        archive::record(pool, &file, &[]).await?;
        return Ok(false);
    };
    file.bytes = i64::try_from(encoded.content.len()).unwrap_or(i64::MAX);
    file.digest = write(storage, &file.path, encoded).await?;
    archive::record(pool, &file, &erased_messages).await?;
    tracing::info!(path = file.path, "removed erased people from an archived file");
    Ok(true)
}

/// Whether an event is to be erased. Whatever was received after an erasure was sent with a new reason, or has been erased on arrival.
pub(super) fn covers(erasures: &Erasures, messages: &HashSet<String>, event: &ArchivedEvent) -> bool {
    let is_of_message =
        || event.recipient.is_none() && event.message_id.as_ref().is_some_and(|message| messages.contains(message));
    let is_of_address =
        |address: &str| erasures.erased_at(address).is_some_and(|erased_at| event.received_at <= erased_at + KNOWN_AFTER);
    event.erased_at.is_none() && (is_of_message() || event.addresses().any(is_of_address))
}

/// Messages in a file.
#[derive(Default)]
struct Found {
    /// Those with an event of an erased person.
    erased: Vec<String>,
    /// Those with an event that names no recipient.
    doubtful: Vec<String>,
}

fn find_messages(content: Bytes, erasures: &Erasures) -> Result<Found, ParquetError> {
    let mut found = Found::default();
    for group in FileReader::new(content)? {
        for event in group? {
            if covers(erasures, &HashSet::new(), &event) {
                found.erased.extend(event.message_id);
            } else if event.recipient.is_none() && event.erased_at.is_none() {
                found.doubtful.extend(event.message_id);
            }
        }
    }
    Ok(found)
}

/// Encodes a file without the erased people in it, and lists their messages. `None` if it contains none of them.
fn erase(
    content: Bytes,
    erasures: &Erasures,
    messages: &HashSet<String>,
    now: OffsetDateTime,
) -> Result<Option<(EncodedFile, Vec<String>)>, ParquetError> {
    let mut contains_any = false;
    for group in FileReader::new(content.clone())? {
        contains_any = contains_any || group?.iter().any(|event| covers(erasures, messages, event));
    }
    if !contains_any {
        return Ok(None);
    }
    let mut erased = Vec::new();
    let mut writer = FileWriter::new()?;
    for group in FileReader::new(content)? {
        for mut event in group? {
            if covers(erasures, messages, &event) {
                erased.extend(event.message_id.clone());
                event.erase(now);
            }
            writer.push(event)?;
        }
    }
    Ok(Some((writer.finish()?, erased)))
}
