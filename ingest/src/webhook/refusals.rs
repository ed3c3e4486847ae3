//! Refused deliveries, which are counted in memory by reason and network until a periodic job stores the counts.
//!
//! A flood of forged requests therefore adds at most one row per reason and network. Bodies are never stored, because they are
//! unverified.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use shared::serve::Peer;

use crate::webhook::diagnose::NearMiss;

/// Maximum number of combinations of reason and network in memory, and of stored rows.
pub(crate) const MAX_REFUSALS: usize = 1_000;
/// Minimum interval between two near-miss searches.
const SEARCH_INTERVAL: Duration = Duration::from_secs(1);
/// Placeholder for all networks beyond [`MAX_REFUSALS`].
const OTHER_NETWORKS: &str = "elsewhere";

/// Refusals by reason and network.
pub(crate) type RefusalCounts = HashMap<(&'static str, String), RefusalCount>;

/// The number of refused deliveries, and the most recent near miss.
#[derive(Debug, Clone, Default)]
pub(crate) struct RefusalCount {
    pub(crate) times: i64,
    /// The codes of the near miss, and what to change.
    pub(crate) near_miss: Option<(String, String)>,
}

/// Refusals that have not been stored yet.
#[derive(Debug, Default)]
pub struct Refusals {
    counts: Mutex<RefusalCounts>,
    /// When the last near-miss search ran.
    searched: Mutex<Option<Instant>>,
}

impl Refusals {
    /// Counts a refused delivery.
    pub fn record(&self, reason: &'static str, peer: Peer, near_miss: Option<NearMiss>) {
        metrics::counter!("ingest_refusals_total", "reason" => reason).increment(1);
        let network = peer.network().to_string();
        let near_miss = near_miss.map(|near| (near.codes(), near.detail));
        tracing::warn!(reason, near_miss = near_miss.as_ref().map(|(codes, _)| codes.as_str()), "refused a delivery");
        let mut counts = self.counts();
        let fits = counts.len() < MAX_REFUSALS || counts.contains_key(&(reason, network.clone()));
        let count = counts.entry((reason, if fits { network } else { OTHER_NETWORKS.to_owned() })).or_default();
        count.times += 1;
        count.near_miss = near_miss.or(count.near_miss.take());
    }

    /// Returns true at most once a second, since a near-miss search is too expensive to run for every refusal.
    pub fn may_search(&self) -> bool {
        let mut searched = self.searched.lock().unwrap_or_else(PoisonError::into_inner);
        let may = searched.is_none_or(|last| last.elapsed() >= SEARCH_INTERVAL);
        if may {
            *searched = Some(Instant::now());
        }
        may
    }

    /// Takes the counts so that they can be stored.
    pub(crate) fn take(&self) -> RefusalCounts {
        std::mem::take(&mut *self.counts())
    }

    /// Puts back counts that could not be stored.
    pub(crate) fn restore(&self, counts: RefusalCounts) {
        let mut newer = self.counts();
        for (key, count) in counts {
            let entry = newer.entry(key).or_default();
            entry.times += count.times;
            entry.near_miss = entry.near_miss.take().or(count.near_miss);
        }
    }

    fn counts(&self) -> MutexGuard<'_, RefusalCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
