//! The response of `/api/stats`, assembled from rows of counts.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::store::events::statistics::{FacetCount, Period, TimeCount, VerdictCount};

/// Number of events by kind. The fields below spell out this type, because the OpenAPI document is generated from their types.
type CountsByKind = BTreeMap<String, i64>;

#[derive(Serialize, ToSchema)]
pub(crate) struct Statistics {
    #[serde(flatten)]
    pub(crate) period: Period,
    /// Length of each bucket.
    #[schema(pattern = "^(hour|day|month)$")]
    pub(crate) step: &'static str,
    pub(crate) zone: String,
    pub(crate) counts: BTreeMap<String, i64>,
    pub(crate) previous: PreviousPeriod,
    /// Oldest first. Buckets without events are omitted.
    pub(crate) buckets: Vec<StatisticsBucket>,
    /// Failures by `reason_class`, most common first. Failures stored before version 0.3.0 have none until they are decided on.
    pub(crate) reasons: Vec<CountsByName>,
    /// Opens and clicks by `actor`, most common first. Those stored before version 0.3.0 have none until they are decided on.
    pub(crate) actors: Vec<CountsByName>,
    /// The ten most common texts of bounces, most common first.
    pub(crate) bounces: Vec<BounceReason>,
    pub(crate) domains: Vec<CountsByName>,
    pub(crate) tags: Vec<CountsByName>,
    pub(crate) templates: Vec<CountsByName>,
}

/// The period of the same length that precedes the requested one.
#[derive(Serialize, ToSchema)]
pub(crate) struct PreviousPeriod {
    #[serde(flatten)]
    pub(crate) period: Period,
    pub(crate) counts: BTreeMap<String, i64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct StatisticsBucket {
    /// Start of the bucket.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    counts: BTreeMap<String, i64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct BounceReason {
    reason: String,
    count: i64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CountsByName {
    name: String,
    counts: BTreeMap<String, i64>,
}

/// Event counts grouped by shared attributes.
#[derive(Default)]
pub(crate) struct Facets {
    pub(crate) bounces: Vec<BounceReason>,
    pub(crate) domains: Vec<CountsByName>,
    pub(crate) tags: Vec<CountsByName>,
    pub(crate) templates: Vec<CountsByName>,
}

impl Facets {
    /// Groups rows that are ordered by facet and name.
    pub(crate) fn from_rows(rows: Vec<FacetCount>) -> Self {
        let mut facets = Self::default();
        for row in rows {
            match row.facet.as_str() {
                "domain" => add_named(&mut facets.domains, row),
                "tag" => add_named(&mut facets.tags, row),
                "template" => add_named(&mut facets.templates, row),
                _ => add_bounce(&mut facets.bounces, row),
            }
        }
        facets
    }
}

fn add_named(list: &mut Vec<CountsByName>, row: FacetCount) {
    match list.last_mut().filter(|last| last.name == row.name) {
        Some(last) => _ = last.counts.insert(row.kind, row.count),
        None => list.push(CountsByName { name: row.name, counts: CountsByKind::from([(row.kind, row.count)]) }),
    }
}

fn add_bounce(bounces: &mut Vec<BounceReason>, row: FacetCount) {
    match bounces.last_mut().filter(|last| last.reason == row.name) {
        Some(last) => last.count += row.count,
        None => bounces.push(BounceReason { reason: row.name, count: row.count }),
    }
}

/// Groups rows by a verdict. Rows without one are left out.
pub(crate) fn by_verdict(rows: &[VerdictCount], verdict: fn(&VerdictCount) -> &str) -> Vec<CountsByName> {
    let mut names: BTreeMap<&str, CountsByKind> = BTreeMap::new();
    for row in rows.iter().filter(|row| !verdict(row).is_empty()) {
        *names.entry(verdict(row)).or_default().entry(row.kind.clone()).or_default() += row.count;
    }
    let mut list: Vec<CountsByName> =
        names.into_iter().map(|(name, counts)| CountsByName { name: name.to_owned(), counts }).collect();
    list.sort_by_key(|named| Reverse(named.counts.values().sum::<i64>()));
    list
}

/// Groups rows that are ordered by time.
pub(crate) fn buckets_from_rows(rows: Vec<TimeCount>) -> Vec<StatisticsBucket> {
    let mut buckets: Vec<StatisticsBucket> = Vec::new();
    for row in rows {
        match buckets.last_mut().filter(|bucket| bucket.at == row.at) {
            Some(bucket) => _ = bucket.counts.insert(row.kind, row.count),
            None => buckets.push(StatisticsBucket { at: row.at, counts: CountsByKind::from([(row.kind, row.count)]) }),
        }
    }
    buckets
}

/// Sums the rows by kind.
pub(crate) fn total(rows: &[TimeCount]) -> CountsByKind {
    let mut counts = CountsByKind::new();
    for row in rows {
        *counts.entry(row.kind.clone()).or_default() += row.count;
    }
    counts
}
