//! Deliveries that were not accepted, remembered by reason, network and hour.
//!
//! Counted in memory and written now and then, so that a flood of forgeries costs no more rows than there are reasons and
//! networks; at most 1,000 rows stay. Bodies are never kept: they are somebody else's words, unproved.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared::serve::Peer;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::webhook::diagnose::NearMiss;

/// How often what was counted is written.
const EVERY: Duration = Duration::from_secs(1);
/// Most (reason, network) pairs held between two writes, and most rows kept.
const MOST: usize = 1_000;
/// Between two searches for what would have been right.
const BETWEEN_SEARCHES: Duration = Duration::from_secs(1);
/// Stands for the networks that no longer fit.
const ELSEWHERE: &str = "elsewhere";

/// The counts not yet written.
#[derive(Debug, Default)]
pub struct Refusals {
    counts: Mutex<HashMap<(&'static str, String), Count>>,
    /// When a near-miss was last looked for.
    searched: Mutex<Option<Instant>>,
}

/// How often, and what would have been right.
#[derive(Debug, Clone, Default)]
struct Count {
    times: i64,
    near_miss: Option<(String, String)>,
}

impl Refusals {
    /// Counts one refused delivery.
    pub fn record(&self, reason: &'static str, peer: Peer, near_miss: Option<NearMiss>) {
        metrics::counter!("ingest_refusals_total", "reason" => reason).increment(1);
        let network = peer.network().to_string();
        let near_miss = near_miss.map(|near| (near.codes(), near.detail));
        tracing::warn!(reason, near_miss = near_miss.as_ref().map(|(codes, _)| codes.as_str()), "refused a delivery");
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = counts.len() < MOST || counts.contains_key(&(reason, network.clone()));
        let count = counts.entry((reason, if known { network } else { ELSEWHERE.to_owned() })).or_default();
        count.times += 1;
        count.near_miss = near_miss.or(count.near_miss.take());
    }

    /// True at most once a second: a search for what would have been right costs more than a refusal may.
    pub fn may_search(&self) -> bool {
        let mut searched = self.searched.lock().unwrap_or_else(PoisonError::into_inner);
        let may = searched.is_none_or(|last| last.elapsed() >= BETWEEN_SEARCHES);
        if may {
            *searched = Some(Instant::now());
        }
        may
    }

    /// Writes the counts every second until `stop`, and then what is left.
    pub async fn write_until(&self, pool: &PgPool, stop: CancellationToken) {
        loop {
            let stopping = tokio::time::timeout(EVERY, stop.cancelled()).await.is_ok();
            if let Err(error) = self.write(pool).await {
                tracing::warn!(%error, "refusals could not be written and are kept for later");
            }
            if stopping {
                return;
            }
        }
    }

    async fn write(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let counts = std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        if counts.is_empty() {
            return Ok(());
        }
        let written = write_counts(pool, &counts).await;
        if written.is_err() {
            let mut newer = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, count) in counts {
                let entry = newer.entry(key).or_default();
                entry.times += count.times;
                entry.near_miss = entry.near_miss.take().or(count.near_miss);
            }
        }
        written
    }
}

async fn write_counts(pool: &PgPool, counts: &HashMap<(&'static str, String), Count>) -> Result<(), sqlx::Error> {
    let mut rows: Vec<_> = counts.iter().collect();
    rows.sort_unstable_by_key(|(key, _)| *key);
    let reasons: Vec<&str> = rows.iter().map(|((reason, _), _)| *reason).collect();
    let networks: Vec<&str> = rows.iter().map(|((_, network), _)| network.as_str()).collect();
    let counts: Vec<i64> = rows.iter().map(|(_, count)| count.times).collect();
    let near = |row: &Count| row.near_miss.as_ref().map(|(codes, _)| codes.clone());
    let near_misses: Vec<Option<String>> = rows.iter().map(|(_, count)| near(count)).collect();
    let hints: Vec<Option<String>> =
        rows.iter().map(|(_, count)| count.near_miss.as_ref().map(|(_, hint)| hint.clone())).collect();
    let mut transaction = pool.begin().await?;
    sqlx::query!(
        "insert into refusals (reason, network, hour, count, first_at, last_at, near_miss, hint)
         select reason, network, date_trunc('hour', now()), count, now(), now(), near_miss, hint
         from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[]) as t (reason, network, count, near_miss, hint)
         on conflict on constraint refusals_pkey
         do update set count = refusals.count + excluded.count, last_at = excluded.last_at,
           near_miss = coalesce(excluded.near_miss, refusals.near_miss),
           hint = case when excluded.near_miss is null then refusals.hint else excluded.hint end",
        &reasons as &[&str],
        &networks as &[&str],
        &counts,
        &near_misses as &[Option<String>],
        &hints as &[Option<String>]
    )
    .execute(&mut *transaction)
    .await?;
    let keep = i64::try_from(MOST).unwrap_or(i64::MAX);
    sqlx::query!(
        "delete from refusals where (reason, network, hour) in
           (select reason, network, hour from refusals order by last_at desc, reason, network offset $1)",
        keep
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}
