//! Refused deliveries, which are counted in memory by reason and network until a periodic job stores the counts.
//!
//! A flood of forged requests therefore adds at most one row per reason and network. Bodies are never stored, because they are
//! unverified.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use shared::serve::Peer;

use crate::webhook::diagnose::NearMiss;
use crate::webhook::evidence::Evidence;

/// Maximum number of networks in memory, and of stored rows, for each reason. Rows with a near miss are counted apart, so that a flood of
/// one kind displaces no row of another.
pub(crate) const MAX_NETWORKS: usize = 100;
/// Minimum interval between two near-miss searches for the same network.
const SEARCH_INTERVAL: Duration = Duration::from_secs(1);
/// Maximum number of searches within [`SEARCH_INTERVAL`] for requests that look like Mandrill's.
const MAX_LIKELY_SEARCHES: usize = 5;
/// The same for all other requests.
const MAX_OTHER_SEARCHES: usize = 1;
/// Placeholder for all networks beyond [`MAX_NETWORKS`].
const OTHER_NETWORKS: &str = "elsewhere";

/// Refusals by reason and network.
pub(crate) type RefusalCounts = HashMap<(&'static str, String), RefusalCount>;

/// The number of refused deliveries, and the most recent near miss.
#[derive(Debug, Clone, Default)]
pub(crate) struct RefusalCount {
    pub(crate) times: i64,
    /// How many of them one of our keys signed.
    pub(crate) proven: i64,
    /// How many of the others look like Mandrill's deliveries.
    pub(crate) likely: i64,
    /// The codes of the near miss, and what to change.
    pub(crate) near_miss: Option<(String, String)>,
}

/// Who sent a refused request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender {
    pub(crate) peer: Peer,
    pub(crate) evidence: Evidence,
}

/// Refusals that have not been stored yet.
#[derive(Debug, Default)]
pub struct Refusals {
    counts: Mutex<RefusalCounts>,
    /// The near-miss searches within the last [`SEARCH_INTERVAL`]: their network, whether the request looked like Mandrill's, and their time.
    searches: Mutex<Vec<(String, bool, Instant)>>,
}

impl Refusals {
    /// Counts a refused delivery.
    pub(crate) fn record(&self, reason: &'static str, peer: Peer, evidence: Evidence, near_miss: Option<&NearMiss>) {
        metrics::counter!("ingest_refusals_total", "reason" => reason).increment(1);
        let network = peer.network().to_string();
        let near_miss = near_miss.map(|near| (near.codes(), near.detail.clone()));
        tracing::warn!(reason, near_miss = near_miss.as_ref().map(|(codes, _)| codes.as_str()), "refused a delivery");
        let mut counts = self.counts();
        // A near miss always fits: only our own keys make one.
        let fits = near_miss.is_some()
            || counts.contains_key(&(reason, network.clone()))
            || counts.keys().filter(|(other, _)| *other == reason).count() < MAX_NETWORKS;
        let count = counts.entry((reason, if fits { network } else { OTHER_NETWORKS.to_owned() })).or_default();
        count.times += 1;
        count.proven += i64::from(evidence == Evidence::Proven);
        count.likely += i64::from(evidence == Evidence::Likely);
        count.near_miss = near_miss.or(count.near_miss.take());
    }

    /// Returns true if a near-miss search may run now, since a search is too expensive to run for every refusal. Junk does not use up the
    /// searches for requests that look like Mandrill's, and no network uses up those of another.
    pub(crate) fn may_search(&self, sender: Sender) -> bool {
        let network = sender.peer.network().to_string();
        let is_likely = sender.evidence == Evidence::Likely;
        let mut searches = self.searches.lock().unwrap_or_else(PoisonError::into_inner);
        searches.retain(|(_, _, at)| at.elapsed() < SEARCH_INTERVAL);
        let of_this_class = searches.iter().filter(|(_, likely, _)| *likely == is_likely);
        let max = if is_likely { MAX_LIKELY_SEARCHES } else { MAX_OTHER_SEARCHES };
        let may = of_this_class.clone().count() < max && !of_this_class.clone().any(|(other, _, _)| *other == network);
        if may {
            searches.push((network, is_likely, Instant::now()));
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
            entry.proven += count.proven;
            entry.likely += count.likely;
            entry.near_miss = entry.near_miss.take().or(count.near_miss);
        }
    }

    fn counts(&self) -> MutexGuard<'_, RefusalCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
