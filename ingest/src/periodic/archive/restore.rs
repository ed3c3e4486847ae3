//! Stores the events of an archived partition again, and drops them again.

use std::collections::HashSet;

use sqlx::{PgConnection, PgPool};

use super::erase::{covers, known_erasures};
use super::{on_other_thread, read};
use crate::archive::error::ArchiveError;
use crate::archive::event::ArchivedEvent;
use crate::archive::file::FileReader;
use crate::archive::storage::Storage;
use crate::erasure::keys::SecretKeys;
use crate::erasure::list::Erasures;
use crate::payload::codec::Codec;
use crate::periodic::retention;
use crate::store::archive::{self, ArchivedFile, ArchivedPartition, events, restored};
use crate::store::events::erase;
use crate::store::{diagnostics, dictionaries, partitions};

/// Restores a partition. It changes no counts and notifies nobody, and retention leaves the partition alone until [`drop_again`]. Whoever was erased
/// stays erased. `progress` is called after each file.
///
/// # Errors
/// If Postgres or the storage fails, a file is damaged, or the partition is not archived or not dropped. Nothing is restored in that case.
pub(crate) async fn restore(
    pool: &PgPool,
    storage: &Storage,
    keys: &SecretKeys,
    partition: &ArchivedPartition,
    mut progress: impl FnMut(&ArchivedFile) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    if partition.archived_at.is_none() || partitions::all(pool).await?.iter().any(|known| known.name == partition.name) {
        return Err(ArchiveError::Refused(format!("{} is not dropped, so there is nothing to restore", partition.name)));
    }
    let erasures = known_erasures(pool, keys).await?;
    let messages: HashSet<String> = archive::erased_messages(pool).await?.into_iter().collect();
    let now = diagnostics::now(pool).await?;
    let mut connection = pool.acquire().await?;
    let codec = dictionaries::codec(&mut connection).await?;
    restored::begin(&mut connection, partition).await?;
    for file in archive::files(pool, Some(&partition.name)).await? {
        let content = read(storage, &file).await?;
        let mut reader = on_other_thread(&file.path, move || FileReader::new(content)).await?;
        let mut found = 0;
        loop {
            let (group, rest) = on_other_thread(&file.path, move || Ok((reader.next().transpose()?, reader))).await?;
            reader = rest;
            let Some(mut events) = group else { break };
            found += i64::try_from(events.len()).unwrap_or_default();
            for event in &mut events {
                if covers(&erasures, &messages, event) {
                    event.erase(now);
                }
                compress(&codec, event);
            }
            restored::add(&mut connection, partition, &events).await?;
        }
        if found != file.events {
            return Err(ArchiveError::damaged(&file.path, "contains other events than were written"));
        }
        progress(&file)?;
    }
    restored::attach(&mut connection, partition).await?;
    drop(connection);
    // Whoever was erased while the events were stored was not among them yet.
    let newer = known_erasures(pool, keys).await?;
    if newer.last_id > erasures.last_id {
        erase_restored(pool, partition, &newer, &messages).await?;
    }
    Ok(())
}

/// Erases people from the events of a partition.
async fn erase_restored(
    pool: &PgPool,
    partition: &ArchivedPartition,
    erasures: &Erasures,
    messages: &HashSet<String>,
) -> Result<(), ArchiveError> {
    let mut after = (partition.first, 0);
    loop {
        let page = events::page(pool, (partition.first, partition.until), after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = (last.received_at, last.id);
        let covered = page.iter().filter(|event| covers(erasures, messages, event)).map(|event| (event.received_at, event.id));
        let (received, ids): (Vec<_>, Vec<_>) = covered.unzip();
        erase::blank(pool, &received, &ids).await?;
    }
}

/// Drops a restored partition. Its files stay.
///
/// # Errors
/// If Postgres fails, or the partition is not restored.
pub(crate) async fn drop_again(
    pool: &PgPool,
    connection: &mut PgConnection,
    partition: &ArchivedPartition,
) -> Result<(), ArchiveError> {
    if partition.restored_at.is_none() {
        return Err(ArchiveError::Refused(format!("{} is not restored", partition.name)));
    }
    // It is gone already if an earlier attempt was ended.
    if let Some(found) = partitions::all(pool).await?.into_iter().find(|known| known.name == partition.name) {
        retention::detach_and_drop(connection, &found).await?;
    }
    archive::set_restored(connection, &partition.name, false).await?;
    Ok(())
}

fn compress(codec: &Codec, event: &mut ArchivedEvent) {
    if event.erased_at.is_none()
        && let Some(frame) = codec.compress(&event.payload, event.row_values())
    {
        event.payload.clear();
        event.payload_frame = Some(frame);
    }
}
