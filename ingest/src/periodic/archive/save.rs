//! Writes a partition to the archive.
//!
//! Files are written one after another. What has been read back and compared is noted in Postgres, so that a process that is ended goes on with the
//! next file; a file that was not noted is written again under the same name.

use sqlx::PgPool;
use time::OffsetDateTime;

use super::{on_other_thread, write};
use crate::archive::error::ArchiveError;
use crate::archive::event::ArchivedEvent;
use crate::archive::file::{EncodedFile, FileWriter};
use crate::archive::storage::Storage;
use crate::payload::codec::Codec;
use crate::store::archive::{self, ArchivedFile, events};
use crate::store::dictionaries::CodecCache;
use crate::store::erasures;
use crate::store::partitions::Partition;

/// Writes what is not archived yet of a partition, and compares the whole with the partition. Returns without an error only if the partition may be
/// dropped.
///
/// # Errors
/// If Postgres or the storage fails, or if the files do not contain the events of the partition.
pub(crate) async fn save(pool: &PgPool, storage: &Storage, partition: &Partition) -> Result<(), ArchiveError> {
    archive::begin(pool, partition).await?;
    let known = archive::find(pool, &partition.name).await?;
    let mut files = archive::files(pool, Some(&partition.name)).await?;
    if known.is_some_and(|known| known.archived_at.is_some()) {
        // The process was ended before the partition was dropped. Another partition of this name can also have been made since, with other events.
        return compare(pool, partition, &files).await;
    }
    let (expected, _) = events::totals(pool, partition.first, partition.until).await?;
    let codec = CodecCache::default();
    loop {
        let written: i64 = files.iter().map(|file| file.events).sum();
        set_progress(written, expected);
        let erasures_through = erasures::last_settled(pool).await?;
        let (number, after) =
            files.last().map_or((1, (partition.first, 0)), |last| (last.number + 1, (last.last_received_at, last.last_id)));
        let path = path(partition, number);
        let Some(file) = encode(pool, &codec, partition, after, &path).await? else { break };
        let mut entry = ArchivedFile {
            partition: partition.name.clone(),
            number,
            path,
            events: file.totals.events,
            bytes: i64::try_from(file.content.len()).unwrap_or(i64::MAX),
            digest: Vec::new(),
            digest_sum: file.totals.digest_sum.to_string(),
            last_received_at: file.last.0,
            last_id: file.last.1,
            erasures_through,
        };
        entry.digest = write(storage, &entry.path, file).await?;
        archive::record(pool, &entry, &[]).await?;
        tracing::info!(
            partition = partition.name,
            file = number,
            events = written + entry.events,
            of = expected,
            "archived a file"
        );
        files.push(entry);
    }
    let compared = compare(pool, partition, &files).await;
    if matches!(compared, Err(ArchiveError::Incomplete { .. })) {
        // The next attempt begins again.
        archive::start_again(pool, &partition.name).await?;
    }
    compared?;
    archive::finish(pool, &partition.name).await?;
    Ok(())
}

/// Compares the files with the partition.
async fn compare(pool: &PgPool, partition: &Partition, files: &[ArchivedFile]) -> Result<(), ArchiveError> {
    let (expected, digest_sum) = events::totals(pool, partition.first, partition.until).await?;
    let found = files.iter().map(|file| file.events).sum();
    let sum: u128 = files.iter().filter_map(|file| file.digest_sum.parse::<u128>().ok()).sum();
    if found == expected && sum.to_string() == digest_sum {
        return Ok(());
    }
    Err(ArchiveError::Incomplete { found, expected })
}

/// Collects the events after a position to a file. `None` if there are none.
async fn encode(
    pool: &PgPool,
    codec: &CodecCache,
    partition: &Partition,
    mut after: (OffsetDateTime, i64),
    path: &str,
) -> Result<Option<EncodedFile>, ArchiveError> {
    let mut writer = on_other_thread(path, FileWriter::new).await?;
    loop {
        let page = events::page(pool, (partition.first, partition.until), after).await?;
        let is_last = page.is_empty();
        let known = codec.get(pool).await?;
        let owned_path = path.to_owned();
        let pushed = tokio::task::spawn_blocking(move || push(writer, page, &known, &owned_path));
        writer = pushed.await.map_err(|_| ArchiveError::Interrupted)??;
        let (events, last) = writer.position();
        if events == 0 {
            return Ok(None);
        }
        if is_last || writer.is_full() {
            return on_other_thread(path, || writer.finish()).await.map(Some);
        }
        after = last;
    }
}

/// Adds events until the file is full.
fn push(mut writer: FileWriter, page: Vec<ArchivedEvent>, codec: &Codec, path: &str) -> Result<FileWriter, ArchiveError> {
    for mut event in page {
        if let Some(frame) = event.payload_frame.take() {
            let payload = codec.decompress(&frame, event.row_values());
            event.payload = payload.map_err(|error| ArchiveError::Payload { id: event.id, problem: error.to_string() })?;
        }
        writer.push(event).map_err(|error| ArchiveError::damaged(path, format!("cannot be encoded: {error}")))?;
        if writer.is_full() {
            break;
        }
    }
    Ok(writer)
}

/// Where a file is, below `ARCHIVE_URL`: in folders that readers of Parquet know as columns `year` and `month`.
fn path(partition: &Partition, number: i64) -> String {
    let Partition { name, first, .. } = partition;
    format!("events/year={:04}/month={:02}/{name}-{number:05}.parquet", first.year(), u8::from(first.month()))
}

fn set_progress(written: i64, expected: i64) {
    #[expect(clippy::cast_precision_loss, reason = "a part of one")]
    let part = if expected == 0 { 1.0 } else { written as f64 / expected as f64 };
    metrics::gauge!("ingest_archive_progress").set(part.min(1.0));
}
