//! Imports events from files: elements as Mandrill posts them, or events that we exported with their payloads.
//!
//! Events take the way of a delivery to the same commit, so a repeat is recognised wherever it was stored first. They are filed under the time at which
//! they happened, and nobody is notified of them. See `docs/decisions/0084-import-through-the-same-commit.md`.

mod chunk;
pub(crate) mod input;
mod outcome;
mod split;
mod storing;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::StreamExt;
use shared::feed::{FeedItem, RefetchReason};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::chunk::{Chunk, ChunkReader};
use self::input::Input;
pub(crate) use self::outcome::{ImportError, Totals};
pub(crate) use self::storing::Importer;
use crate::store::{imports, outbox};

/// Number of chunks that are stored at a time.
const WORKERS: usize = 3;
/// Number of chunks that are read ahead.
const READ_AHEAD: usize = 2;
/// How often the position is stored, and progress is shown.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// How often open pages get the signal to fetch.
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(10);

/// What an import does at each step.
pub(crate) trait Progress {
    /// The import continues after this many elements.
    fn continues(&mut self, elements: u64);
    /// So much has been done.
    fn reached(&mut self, totals: &Totals);
}

/// Imports a file. An import that was interrupted continues. After `stop`, it finishes what it has begun. Returns the totals, and whether the file was
/// read to its end.
///
/// # Errors
/// If the file or Postgres fails. What was stored before stays, and the next import of the file continues there.
pub(crate) async fn run(
    pool: &PgPool,
    mut importer: Importer,
    input: Input,
    stop: &CancellationToken,
    progress: &mut impl Progress,
) -> Result<(Totals, bool), ImportError> {
    let digest = input.digest.filter(|_| !importer.is_preview());
    let mut skipped = 0;
    if let Some(digest) = &digest {
        match imports::position(pool, digest).await? {
            Some(position) => skipped = position,
            None => {
                imports::advance(pool, digest, 0).await?;
                importer.skip_review_of_repeats();
            }
        }
    }
    if skipped > 0 {
        progress.continues(skipped);
    }
    let importer = Arc::new(importer);
    let chunks = read_in_background(input, skipped);
    let chunks = futures::stream::unfold(chunks, |mut chunks| async move { Some((chunks.recv().await?, chunks)) });
    let storing = chunks.take_until(stop.cancelled()).map(|chunk| {
        let importer = Arc::clone(&importer);
        // On threads of their own, because most of the work is to parse and compress.
        let task = tokio::spawn(async move {
            let chunk = chunk?;
            let end = chunk.end;
            Ok::<_, ImportError>((end, importer.store(chunk).await?))
        });
        async move { task.await.unwrap_or(Err(ImportError::Panicked)) }
    });
    // In the order of the file, so that everything before a position is stored.
    let mut stored = pin!(storing.buffered(WORKERS));
    let mut report = Report { pool, digest, totals: Totals::default(), end: skipped, announced: (0, None), last: Instant::now() };
    let outcome = loop {
        match stored.next().await {
            None => break Ok(()),
            Some(Err(error)) => break Err(error),
            Some(Ok((end, totals))) => {
                report.end = end;
                report.totals.add(totals);
                if report.last.elapsed() >= REPORT_INTERVAL {
                    progress.reached(&report.totals);
                    report.save(importer.is_preview(), false).await?;
                }
            }
        }
    };
    report.save(importer.is_preview(), true).await?;
    outcome?;
    let is_whole = !stop.is_cancelled();
    if let (Some(digest), true) = (&digest, is_whole) {
        imports::end(pool, digest).await?;
    }
    Ok((report.totals, is_whole))
}

/// How far an import has come, and how far others know.
struct Report<'a> {
    pool: &'a PgPool,
    digest: Option<[u8; 32]>,
    totals: Totals,
    /// Number of elements from the start of the file that have been stored or quarantined.
    end: u64,
    /// Number of stored events of which open pages have been told, and when.
    announced: (u64, Option<Instant>),
    last: Instant,
}

impl Report<'_> {
    /// Stores the position, and lets open pages fetch what is new, at the end in any case.
    async fn save(&mut self, is_preview: bool, is_end: bool) -> Result<(), sqlx::Error> {
        self.last = Instant::now();
        if is_preview {
            return Ok(());
        }
        let mut connection = self.pool.acquire().await?;
        if let Some(digest) = &self.digest {
            imports::advance(&mut *connection, digest, self.end).await?;
        }
        let (told, told_at) = self.announced;
        let is_due = is_end || told_at.is_none_or(|at| at.elapsed() >= ANNOUNCE_INTERVAL);
        if self.totals.stored > told && is_due {
            self.announced = (self.totals.stored, Some(Instant::now()));
            let refetch = FeedItem { refetch: Some(RefetchReason::Filed), ..FeedItem::default() };
            outbox::announce_item(&mut connection, &refetch).await?;
        }
        Ok(())
    }
}

/// Reads chunks on a thread of its own, because files block.
fn read_in_background(input: Input, skipped: u64) -> mpsc::Receiver<io::Result<Chunk>> {
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut reader = ChunkReader::new(input.reader, skipped);
        loop {
            let next = reader
                .next()
                .map(|chunk| chunk.map(|chunk| Chunk { read_bytes: input.read_bytes.load(Ordering::Relaxed), ..chunk }));
            let is_last = next.is_err();
            let Some(next) = next.transpose() else { return };
            if sender.blocking_send(next).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}
