//! Deliveries that were not accepted, remembered by reason, network and hour.
//!
//! Counted in memory and written now and then, so that a flood of forgeries costs no more rows than there are reasons and
//! networks; at most 1,000 rows stay. Bodies are never kept: they are somebody else's words, unproved.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use shared::serve::Peer;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// How often what was counted is written.
const EVERY: Duration = Duration::from_secs(1);
/// Most (reason, network) pairs held between two writes, and most rows kept.
const MOST: usize = 1_000;
/// Stands for the networks that no longer fit.
const ELSEWHERE: &str = "elsewhere";

/// The counts not yet written.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<(&'static str, String), i64>>);

impl Refusals {
    /// Counts one refused delivery.
    pub fn record(&self, reason: &'static str, peer: Peer) {
        metrics::counter!("ingest_refusals_total", "reason" => reason).increment(1);
        let network = peer.network().to_string();
        tracing::warn!(reason, "refused a delivery");
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = counts.len() < MOST || counts.contains_key(&(reason, network.clone()));
        *counts.entry((reason, if known { network } else { ELSEWHERE.to_owned() })).or_default() += 1;
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
        let counts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if counts.is_empty() {
            return Ok(());
        }
        let written = write_counts(pool, &counts).await;
        if written.is_err() {
            let mut newer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, count) in counts {
                *newer.entry(key).or_default() += count;
            }
        }
        written
    }
}

async fn write_counts(pool: &PgPool, counts: &HashMap<(&'static str, String), i64>) -> Result<(), sqlx::Error> {
    let mut rows: Vec<_> = counts.iter().collect();
    rows.sort_unstable();
    let reasons: Vec<&str> = rows.iter().map(|((reason, _), _)| *reason).collect();
    let networks: Vec<&str> = rows.iter().map(|((_, network), _)| network.as_str()).collect();
    let counts: Vec<i64> = rows.iter().map(|(_, count)| **count).collect();
    let mut transaction = pool.begin().await?;
    sqlx::query!(
        "insert into refusals (reason, network, hour, count, last_at)
         select reason, network, date_trunc('hour', now()), count, now()
         from unnest($1::text[], $2::text[], $3::bigint[]) as t (reason, network, count)
         on conflict on constraint refusals_pkey
         do update set count = refusals.count + excluded.count, last_at = excluded.last_at",
        &reasons as &[&str],
        &networks as &[&str],
        &counts
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
