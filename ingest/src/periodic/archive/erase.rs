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
use crate::store::archive;
use crate::store::erasures::{self, ErasureCache, KNOWN_AFTER};
use crate::store::{diagnostics, events};

/// Applies the erasures that files do not know yet, and returns the number of files that were written again. A run that is ended continues at the
/// next one.
///
/// # Errors
/// If Postgres or the storage fails.
pub(crate) async fn apply(pool: &PgPool, storage: &Storage, keys: &SecretKeys) -> Result<usize, ArchiveError> {
    let erasures = ErasureCache::new(keys.clone()).get(pool).await?;
    let mut pending = archive::files(pool, None).await?;
    pending.retain(|file| file.erasures_through < erasures.last_id);
    if pending.is_empty() {
        return Ok(0);
    }
    let now = diagnostics::now(pool).await?;
    // Events without a recipient belong to an erased person if another event of their message does, which can be in any file or in the database.
    let mut messages: HashSet<String> = archive::erased_messages(pool).await?.into_iter().collect();
    for file in &pending {
        let content = read(storage, file).await?;
        let list = Arc::clone(&erasures);
        let found = on_other_thread(&file.path, move || find_messages(content, &list)).await?;
        events::erase::erase_messages(pool, &found.erased).await?;
        messages.extend(found.erased);
        messages.extend(erasures::erased_messages(pool, &found.doubtful).await?);
    }
    let messages = Arc::new(messages);
    let mut written = 0;
    for mut file in pending {
        let content = read(storage, &file).await?;
        let (list, of_erased) = (Arc::clone(&erasures), Arc::clone(&messages));
        let erased = on_other_thread(&file.path, move || erase(content, &list, &of_erased, now)).await?;
        file.erasures_through = erasures.last_id;
        let Some((encoded, erased_messages)) = erased else {
            archive::record(pool, &file, &[]).await?;
            continue;
        };
        file.digest = write(storage, &file.path, &encoded).await?;
        file.bytes = i64::try_from(encoded.content.len()).unwrap_or(i64::MAX);
        archive::record(pool, &file, &erased_messages).await?;
        tracing::info!(path = file.path, "removed erased people from an archived file");
        written += 1;
    }
    Ok(written)
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
