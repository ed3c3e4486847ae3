//! Refused deliveries, counted in memory by reason and network until a periodic job stores them.
//!
//! A flood of forgeries therefore costs no more rows than there are reasons and networks. Bodies are never kept, because they are
//! unverified.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use shared::serve::Peer;

use crate::webhook::diagnose::NearMiss;

/// Most pairs of reason and network in memory, and most rows that are kept.
pub(crate) const MAX_REFUSALS: usize = 1_000;
/// Time between two searches for a near miss.
const SEARCH_INTERVAL: Duration = Duration::from_secs(1);
/// Stands for the networks beyond [`MAX_REFUSALS`].
const OTHER_NETWORKS: &str = "elsewhere";

/// Refusals by reason and network.
pub(crate) type RefusalCounts = HashMap<(&'static str, String), RefusalCount>;

/// How often deliveries were refused, and the last near miss.
#[derive(Debug, Clone, Default)]
pub(crate) struct RefusalCount {
    pub(crate) times: i64,
    /// Codes of the near miss, and what to change.
    pub(crate) near_miss: Option<(String, String)>,
}

/// The refusals that are not stored yet.
#[derive(Debug, Default)]
pub struct Refusals {
    counts: Mutex<RefusalCounts>,
    /// When a near miss was last searched.
    searched: Mutex<Option<Instant>>,
}

impl Refusals {
    /// Counts one refused delivery.
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

    /// True at most once a second: a search for a near miss costs more than a refusal may.
    pub fn may_search(&self) -> bool {
        let mut searched = self.searched.lock().unwrap_or_else(PoisonError::into_inner);
        let may = searched.is_none_or(|last| last.elapsed() >= SEARCH_INTERVAL);
        if may {
            *searched = Some(Instant::now());
        }
        may
    }

    /// Takes the counts, to store them.
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
