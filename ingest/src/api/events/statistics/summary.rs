//! The response of `/api/stats`, assembled from rows of counts.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::query::{Clock, Step};
use crate::store::events::selected_statistics::UniqueCount;
use crate::store::events::statistics::{BucketCount, FacetCount, Period};

/// Number of events by kind. The fields below spell out this type, because the OpenAPI document is generated from their types.
type CountsByKind = BTreeMap<String, i64>;

#[derive(Serialize, ToSchema)]
pub(crate) struct Statistics {
    #[serde(flatten)]
    pub(crate) period: Period,
    /// Width of the buckets.
    pub(crate) step: Step,
    /// Which time of the events counts.
    pub(crate) time: Clock,
    pub(crate) zone: String,
    /// If set, events received before this time are counted by whole hours of receipt, because version 0.2.0 counted them so and they are no
    /// longer stored. An hour counts in the bucket in which it begins.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) approximate_before: Option<OffsetDateTime>,
    /// Set if a filter is given and events of the period are no longer stored: nothing is counted before this time.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) counted_from: Option<OffsetDateTime>,
    /// If a read replica counted: how many seconds old its data is at most.
    pub(crate) lag_seconds: Option<u64>,
    pub(crate) counts: BTreeMap<String, i64>,
    pub(crate) delivery: DeliveryCoverage,
    /// Messages that were opened or clicked, each counted once. Null for the reason in `unique_missing`.
    pub(crate) unique: Option<UniqueTotals>,
    /// `not_stored`: the events of a part of the period are no longer stored. `too_many`: there are too many events to count in time.
    #[schema(pattern = "^(not_stored|too_many)$")]
    pub(crate) unique_missing: Option<&'static str>,
    pub(crate) previous: PreviousPeriod,
    /// All buckets that overlap the period, oldest first.
    pub(crate) buckets: Vec<StatisticsBucket>,
    /// Failures by `reason_class`, most common first. Failures stored before version 0.3.0 have none until they are decided on.
    pub(crate) reasons: Vec<CountsByName>,
    /// Opens and clicks by `actor`, most common first. Those stored before version 0.3.0 have none until they are decided on.
    pub(crate) actors: Vec<CountsByName>,
    /// The ten most common texts of bounces, most common first, without servers, addresses, ids and numbers.
    pub(crate) bounces: Vec<BounceReason>,
    pub(crate) domains: Vec<CountsByName>,
    pub(crate) tags: Vec<CountsByName>,
    pub(crate) templates: Vec<CountsByName>,
    pub(crate) subaccounts: Vec<CountsByName>,
}

/// The period of the same length that precedes the requested one.
#[derive(Serialize, ToSchema)]
pub(crate) struct PreviousPeriod {
    #[serde(flatten)]
    pub(crate) period: Period,
    pub(crate) counts: BTreeMap<String, i64>,
    pub(crate) delivery: DeliveryCoverage,
    pub(crate) unique: Option<UniqueTotals>,
}

/// The part of a period in which Mandrill tells of deliveries, which it does only while that event is ticked for the webhook.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryCoverage {
    /// Start of the first bucket of this part; null if there are no deliveries.
    #[serde(with = "time::serde::rfc3339::option")]
    from: Option<OffsetDateTime>,
    /// End of the last bucket of this part; null if there are no deliveries.
    #[serde(with = "time::serde::rfc3339::option")]
    to: Option<OffsetDateTime>,
    /// Messages sent in this part: what deliveries are to be compared with.
    sent: i64,
    /// Hard and soft bounces in this part.
    bounced: i64,
    /// Whether more than a few messages were sent outside of this part.
    is_part: bool,
}

/// Numbers of messages that were opened or clicked.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct UniqueTotals {
    open: UniqueMessages,
    click: UniqueMessages,
}

/// Numbers of messages.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct UniqueMessages {
    /// Opened or clicked by persons, directly or through a proxy.
    persons: i64,
    /// Opened or clicked by anyone, including machines.
    all: i64,
    /// Those of `persons` that were sent in the period.
    persons_of_sent: i64,
    /// Those of `all` that were sent in the period.
    all_of_sent: i64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct StatisticsBucket {
    /// Start of the bucket. The first bucket can start before the period.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// End of the bucket, exclusive.
    #[serde(with = "time::serde::rfc3339")]
    end: OffsetDateTime,
    /// True if the period contains only a part of the bucket, or the bucket has not ended yet.
    partial: bool,
    counts: BTreeMap<String, i64>,
    /// Messages whose first open or click of the period lies in this bucket. Null if `unique` is.
    unique: Option<UniqueTotals>,
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
    pub(crate) subaccounts: Vec<CountsByName>,
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
                "subaccount" => add_named(&mut facets.subaccounts, row),
                "bounce" => add_bounce(&mut facets.bounces, row),
                // A newer version counts more facets.
                _ => {}
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
pub(crate) fn by_verdict(rows: &[BucketCount], verdict: fn(&BucketCount) -> &str) -> Vec<CountsByName> {
    let mut names: BTreeMap<&str, CountsByKind> = BTreeMap::new();
    for row in rows.iter().filter(|row| !verdict(row).is_empty()) {
        *names.entry(verdict(row)).or_default().entry(row.kind.clone()).or_default() += row.count;
    }
    let mut list: Vec<CountsByName> =
        names.into_iter().map(|(name, counts)| CountsByName { name: name.to_owned(), counts }).collect();
    list.sort_by_key(|named| Reverse(named.counts.values().sum::<i64>()));
    list
}

/// Sums the rows by kind.
pub(crate) fn total<'a>(rows: impl IntoIterator<Item = &'a BucketCount>) -> CountsByKind {
    let mut counts = CountsByKind::new();
    for row in rows {
        *counts.entry(row.kind.clone()).or_default() += row.count;
    }
    counts
}

/// Fewer messages than this can go without deliveries by chance.
const MIN_UNCOVERED: i64 = 20;

/// Finds the buckets from the first to the last with deliveries. `boundaries` are the starts of the buckets and the end of the last one.
pub(crate) fn coverage(rows: &[BucketCount], boundaries: &[OffsetDateTime]) -> DeliveryCoverage {
    let delivered = || rows.iter().filter(|row| row.kind == "delivered").map(|row| row.bucket);
    let sent = || rows.iter().filter(|row| row.kind == "send");
    let bounces = rows.iter().filter(|row| matches!(row.kind.as_str(), "hard_bounce" | "soft_bounce"));
    let boundary = |index: i32| boundaries.get(usize::try_from(index).unwrap_or_default()).copied();
    let all: i64 = sent().map(|row| row.count).sum();
    let (Some(first), Some(last)) = (delivered().min(), delivered().max()) else {
        return DeliveryCoverage { from: None, to: None, sent: 0, bounced: 0, is_part: false };
    };
    let covered: i64 = sent().filter(|row| (first..=last).contains(&row.bucket)).map(|row| row.count).sum();
    let uncovered = all - covered;
    let is_part = uncovered >= MIN_UNCOVERED && uncovered * 20 > all;
    let bounced = bounces.filter(|row| !is_part || (first..=last).contains(&row.bucket)).map(|row| row.count).sum();
    let sent = if is_part { covered } else { all };
    DeliveryCoverage { from: boundary(first), to: boundary(last + 1), sent, bounced, is_part }
}

/// The numbers of messages, or why there are none.
pub(crate) enum UniqueOutcome {
    Counted(Vec<UniqueCount>),
    NotStored,
    TooMany,
}

impl UniqueOutcome {
    /// The code of the reason for which messages are not counted.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        match self {
            Self::Counted(_) => None,
            Self::NotStored => Some("not_stored"),
            Self::TooMany => Some("too_many"),
        }
    }

    /// Sums the messages of some buckets.
    fn totals(&self, is_included: impl Fn(i32) -> bool) -> Option<UniqueTotals> {
        let Self::Counted(rows) = self else { return None };
        let mut totals = UniqueTotals::default();
        for row in rows.iter().filter(|row| is_included(row.bucket)) {
            let of_kind = if row.kind == "open" { &mut totals.open } else { &mut totals.click };
            let (messages, of_sent) = if row.by_persons {
                (&mut of_kind.persons, &mut of_kind.persons_of_sent)
            } else {
                (&mut of_kind.all, &mut of_kind.all_of_sent)
            };
            *messages += row.messages;
            *of_sent += row.of_sent;
        }
        Some(totals)
    }
}

pub(crate) fn unique_totals(unique: &UniqueOutcome) -> Option<UniqueTotals> {
    unique.totals(|_| true)
}

/// Groups rows by bucket. `boundaries` are the starts of the buckets and the end of the last one.
pub(crate) fn buckets(
    rows: &[BucketCount],
    unique: &UniqueOutcome,
    boundaries: &[OffsetDateTime],
    period: Period,
    now: OffsetDateTime,
) -> Vec<StatisticsBucket> {
    let mut rows = rows.iter().peekable();
    let mut buckets = Vec::with_capacity(boundaries.len());
    for (index, bounds) in (0_i32..).zip(boundaries.windows(2)) {
        let &[at, end] = bounds else { continue };
        let counts = total(std::iter::from_fn(|| rows.next_if(|row| row.bucket == index)));
        let partial = at < period.from || end > period.to.min(now);
        buckets.push(StatisticsBucket { at, end, partial, counts, unique: unique.totals(|bucket| bucket == index) });
    }
    buckets
}
