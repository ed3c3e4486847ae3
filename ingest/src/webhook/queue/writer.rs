//! Commits deliveries and responds to their clients.

use std::sync::Arc;
use std::time::Instant;

use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::sync::{Notify, OnceCell};

use crate::notify::cache::RuleCache;
use crate::outbox::handoff::PublisherHandle;
use crate::readiness::Readiness;
use crate::store::common_words::CommonWordsCache;
use crate::store::dictionaries::CodecCache;
use crate::store::erasures::{self, ErasureCache};
use crate::store::{commit, sqlstate, upgrade_moments};
use crate::webhook::batch::{Batch, VerifiedBatch};
use crate::webhook::delivery::{CommitError, QueuedDelivery};
use crate::webhook::event::ReadOptions;

/// State shared by the writers.
pub(crate) struct Writer {
    /// Connections used only by the writers and the publisher.
    pub(crate) pool: PgPool,
    pub(crate) rules: RuleCache,
    pub(crate) erasures: Arc<ErasureCache>,
    pub(crate) codec: Arc<CodecCache>,
    pub(crate) common_words: CommonWordsCache,
    /// Read from Postgres on first use.
    pub(crate) sync_senders_from: OnceCell<OffsetDateTime>,
    /// Learns which commits succeed.
    pub(crate) readiness: Arc<Readiness>,
    /// Wakes the job that merges the search index.
    pub(crate) stored: Arc<Notify>,
    pub(crate) publisher: PublisherHandle,
}

impl Writer {
    /// Commits deliveries together. If that fails while Postgres is available, each delivery is committed separately, so that a faulty
    /// delivery does not fail the others.
    pub(super) async fn write(&self, mut deliveries: Vec<QueuedDelivery>) {
        match self.commit(&mut deliveries).await {
            Ok(()) => {}
            Err(CommitError::Database(error)) if deliveries.len() > 1 && !sqlstate::is_unavailable(&error) => {
                for queued in &mut deliveries {
                    let queued = std::slice::from_mut(queued);
                    if let Err(error) = self.commit(queued).await {
                        self.refuse(queued, &error);
                    }
                }
            }
            Err(error) => self.refuse(&mut deliveries, &error),
        }
    }

    fn refuse(&self, deliveries: &mut [QueuedDelivery], error: &CommitError) {
        if let CommitError::Database(error) = error {
            self.readiness.commit_failed(sqlstate::state(error));
        }
        for queued in deliveries {
            queued.reply(Err(error.clone()));
        }
    }

    /// Commits deliveries together, responds to their clients, and hands the events to the publisher.
    async fn commit(&self, deliveries: &mut [QueuedDelivery]) -> Result<(), CommitError> {
        let started = Instant::now();
        let size = deliveries.iter().map(|queued| queued.delivery.value.len()).sum();
        let rules = self.rules.get(&self.pool).await?;
        let erased = self.erasures.get(&self.pool).await?;
        if erased.has_unknown_key {
            return Err(CommitError::UnknownKey);
        }
        let codec = self.codec.get(&self.pool).await?;
        let common = self.common_words.get(&self.pool, &codec).await?;
        let read_moment = || upgrade_moments::sync_senders_from(&self.pool);
        let sync_senders_from = *self.sync_senders_from.get_or_try_init(read_moment).await?;
        let now = OffsetDateTime::now_utc();
        let (deliveries, mut replies): (Vec<_>, Vec<_>) = deliveries.iter_mut().map(QueuedDelivery::split).unzip();
        let mut batches: Vec<Batch<'_>> = deliveries
            .iter()
            .map(|delivery| {
                let options = ReadOptions { simulated: delivery.source.is_simulation(), now, sync_senders_from };
                Batch::read(delivery.json(), options)
            })
            .collect();
        erasures::apply(&self.pool, &erased, &mut batches).await?;
        let batches: Vec<VerifiedBatch<'_>> = batches
            .into_iter()
            .zip(deliveries)
            .map(|(batch, delivery)| VerifiedBatch::new(batch, &delivery.source, &codec, &common, |event| rules.draft(event)))
            .collect();
        let written = commit::commit(&self.pool, &batches).await?;
        self.readiness.committed();
        self.stored.notify_one();
        written.counts.publish();
        metrics::histogram!("ingest_commit_seconds").record(started.elapsed().as_secs_f64());
        for (reply, receipt) in replies.iter_mut().zip(&written.receipts) {
            metrics::histogram!("ingest_batch_events").record(f64::from(u32::try_from(receipt.received).unwrap_or(u32::MAX)));
            reply.send(Ok(*receipt));
        }
        if let Some(outbox) = written.outbox {
            self.publisher.send(outbox, written.rows, size);
        }
        Ok(())
    }
}
