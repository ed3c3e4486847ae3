//! Stores the elements of a chunk.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use super::chunk::Chunk;
use super::outcome::{ImportError, Totals};
use crate::erasure::keys::SecretKeys;
use crate::periodic::actor_review;
use crate::store::common_words::CommonWordsCache;
use crate::store::dictionaries::CodecCache;
use crate::store::erasures::{self, ErasureCache};
use crate::store::events::erase;
use crate::store::row::Row;
use crate::store::{commit, partitions, upgrade_moments};
use crate::webhook::batch::{Batch, Origin, Poison, VerifiedBatch};
use crate::webhook::delivery::Source;
use crate::webhook::event::ReadOptions;

/// Number of new events that a preview remembers, in order to recognise repeats in the file.
const REMEMBERED: usize = 4_000_000;
/// The kinds of events that tell whether a person opened or clicked.
const JUDGED: [&str; 3] = ["delivered", "open", "click"];

/// Stores chunks, or finds out what storing them would do.
pub(crate) struct Importer {
    pool: PgPool,
    erasures: ErasureCache,
    codec: CodecCache,
    common_words: CommonWordsCache,
    sync_senders_from: OffsetDateTime,
    /// Events that are older are not stored.
    oldest: Option<OffsetDateTime>,
    /// Whether an interrupted import may have stored events without reviewing them.
    reviews_repeats: bool,
    /// The first half of the digests of new events, if this is a preview.
    previewed: Option<Mutex<HashSet<u64>>>,
}

impl Importer {
    /// Prepares an import that keeps events for `retention_days`.
    ///
    /// # Errors
    /// If Postgres fails.
    pub(crate) async fn new(
        pool: PgPool,
        keys: &SecretKeys,
        retention_days: Option<u32>,
        is_preview: bool,
    ) -> Result<Self, sqlx::Error> {
        Ok(Self {
            sync_senders_from: upgrade_moments::sync_senders_from(&pool).await?,
            pool,
            erasures: ErasureCache::new(keys.clone()),
            codec: CodecCache::default(),
            common_words: CommonWordsCache::default(),
            oldest: retention_days.map(|days| OffsetDateTime::now_utc() - Duration::days(days.into())),
            reviews_repeats: true,
            previewed: is_preview.then(Mutex::default),
        })
    }

    /// For a file of which no import was interrupted.
    pub(super) fn skip_review_of_repeats(&mut self) {
        self.reviews_repeats = false;
    }

    pub(super) fn is_preview(&self) -> bool {
        self.previewed.is_some()
    }

    /// Stores the events of a chunk, or counts those that are new.
    ///
    /// # Errors
    /// If Postgres fails. Nothing of the chunk is stored in that case.
    pub(super) async fn store(&self, chunk: Chunk) -> Result<Totals, ImportError> {
        let mut totals =
            Totals { read: chunk.len(), left_out: chunk.left_out, read_bytes: chunk.read_bytes, ..Totals::default() };
        let mut batches = [self.parse(&chunk)];
        totals.expired = self.leave_out_expired(&mut batches[0]).await?;
        let erased = self.erasures.get(&self.pool).await?;
        if erased.has_unknown_key {
            return Err(ImportError::UnknownKey);
        }
        erasures::apply(&self.pool, &erased, &mut batches).await?;
        let [batch] = batches;
        let codec = self.codec.get(&self.pool).await?;
        let common = self.common_words.get(&self.pool, &codec).await?;
        let source = Source::Import;
        let batches = [VerifiedBatch::new(batch, &source, &codec, &common, |_| None)];
        let [VerifiedBatch { batch, .. }] = &batches;
        totals.quarantined = batch.poison.len() as u64;
        if let Some(previewed) = &self.previewed {
            let new = commit::preview(&self.pool, &batches).await?;
            totals.stored = remember(previewed, &new);
            totals.duplicates = batch.events.len() as u64 - totals.stored;
            return Ok(totals);
        }
        let written = commit::commit(&self.pool, &batches).await?;
        for receipt in &written.receipts {
            totals.stored += receipt.stored as u64;
            totals.duplicates += receipt.duplicates as u64;
            totals.quarantined = receipt.quarantined as u64;
        }
        self.erase_late(&chunk, erased.last_id, &written.rows).await?;
        if totals.stored == 0 && !self.reviews_repeats {
            return Ok(totals);
        }
        let judged = batch.events.iter().filter(|event| JUDGED.contains(&&*event.kind));
        let messages: HashSet<&str> = judged.filter_map(|event| event.message_id.as_deref()).collect();
        actor_review::review_messages(&self.pool, &messages.into_iter().collect::<Vec<_>>()).await?;
        Ok(totals)
    }

    /// Erases what was stored of people who were erased while the chunk was on its way. Whoever erases a person looks for stored events only once every writer
    /// knows, for which storing a large chunk may take too long.
    async fn erase_late(&self, chunk: &Chunk, known: i64, rows: &[Row<'_>]) -> Result<(), sqlx::Error> {
        let erased = self.erasures.get(&self.pool).await?;
        if erased.last_id == known {
            return Ok(());
        }
        let mut batches = [self.parse(chunk)];
        erasures::apply(&self.pool, &erased, &mut batches).await?;
        let theirs: HashSet<[u8; 16]> =
            batches[0].events.iter().filter(|event| event.is_erased).map(|event| event.digest).collect();
        let stored = rows.iter().filter(|row| theirs.contains(&row.event.digest));
        let (received, ids): (Vec<OffsetDateTime>, Vec<i64>) = stored.map(|row| (row.received_at, row.id)).unzip();
        erase::blank(&self.pool, &received, &ids).await.map(|_| ())
    }

    fn parse<'c>(&self, chunk: &'c Chunk) -> Batch<'c> {
        let options = ReadOptions { simulated: false, now: OffsetDateTime::now_utc(), sync_senders_from: self.sync_senders_from };
        let mut batch = Batch::read(&chunk.array, options);
        // An element that only looks like an object breaks the array.
        if batch.poison.iter().any(|poison| poison.origin == Origin::Delivery) {
            batch = Batch::default();
            for element in &chunk.elements {
                batch.push(&chunk.array[element.clone()], options);
            }
        }
        for (raw, problem) in &chunk.broken {
            batch.received += 1;
            batch.poison.push(Poison::of_bytes(raw, "not_an_object", (*problem).to_owned()));
        }
        batch
    }

    /// Removes events that are too old to be kept, and returns their number. Creates partitions for the others.
    async fn leave_out_expired(&self, batch: &mut Batch<'_>) -> Result<u64, sqlx::Error> {
        let before = batch.events.len();
        batch.events.retain(|event| event.occurred_at.is_none_or(|at| self.oldest.is_none_or(|oldest| at >= oldest)));
        let dropped = partitions::past(&self.pool, &batch.days(), !self.is_preview()).await?;
        batch.events.retain(|event| event.happened_on().is_none_or(|day| !dropped.contains(&day)));
        let expired = before - batch.events.len();
        batch.received -= expired;
        Ok(expired as u64)
    }
}

/// Returns how many of the digests are not remembered yet, and remembers them.
fn remember(previewed: &Mutex<HashSet<u64>>, digests: &[[u8; 16]]) -> u64 {
    let mut known = previewed.lock().unwrap_or_else(PoisonError::into_inner);
    let mut new = 0;
    for digest in digests {
        let half = digest.first_chunk().map_or(0, |half| u64::from_be_bytes(*half));
        let is_new = if known.len() < REMEMBERED { known.insert(half) } else { !known.contains(&half) };
        new += u64::from(is_new);
    }
    new
}
