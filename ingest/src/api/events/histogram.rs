//! `/api/events/histogram`: the events that match a filter, counted by kind over time.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use shared::session::Caller;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::events::filters::{Filters, PeriodFilters, parse_filter};
use crate::http::error::ApiError;
use crate::http::page::Pairs;
use crate::state::AppState;
use crate::store::events::histogram::{count_by_bucket, oldest_of_few};

const DEFAULT_BUCKETS: i64 = 96;
const MAX_BUCKETS: i64 = 200;
/// What is counted without `from`, at least.
const DEFAULT_RANGE: Duration = Duration::DAY;
/// Up to this many stored events, all are counted without `from`. Takes about a tenth of a second.
const MAX_COUNTED: i64 = 200_000;
const WEEK: i64 = 604_800;
/// Bucket widths that are easy to read, in seconds. Wider buckets span whole weeks.
const WIDTHS: [i64; 14] = [1, 5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, WEEK];

#[derive(Serialize, ToSchema)]
struct Histogram {
    /// Start of the first bucket.
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    /// End of the last bucket.
    #[serde(with = "time::serde::rfc3339")]
    to: OffsetDateTime,
    /// Width of a bucket in seconds.
    step: i64,
    /// Whether the counts reach back to the oldest stored event, although the filter has no `from`.
    is_complete: bool,
    /// Oldest first. Buckets without events are omitted.
    buckets: Vec<HistogramBucket>,
}

#[derive(Serialize, ToSchema)]
struct HistogramBucket {
    /// Start of the bucket.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// Number of events by kind. Kinds without events are omitted.
    kinds: BTreeMap<String, i64>,
}

/// Counts events by kind over time. Without `from`, the counts begin with the oldest stored event if few events are stored, and otherwise
/// one day before `to`.
///
/// # Errors
/// 401; 400 `bad_filter` or `bad_page`; 503 `too_slow`.
#[utoipa::path(get, path = "/api/events/histogram", operation_id = "countEventsOverTime", tag = "events",
    params(Filters, PeriodFilters, ("buckets" = Option<u8>, Query, description = "Maximum number of buckets.", minimum = 1, maximum = 200)),
    responses((status = 200, description = "The counts.", body = Histogram),
        (status = 400, description = "`bad_filter`, `bad_page`"), (status = 503, description = "`too_slow`")))]
pub async fn get(state: Arc<AppState>, caller: Caller, query: Pairs) -> Result<Response, ApiError> {
    let (mut max_buckets, mut pairs) = (DEFAULT_BUCKETS, Vec::new());
    for (name, value) in query.0 {
        match name.as_ref() {
            "buckets" => {
                max_buckets =
                    value.parse().ok().filter(|n| (1..=MAX_BUCKETS).contains(n)).ok_or_else(|| ApiError::bad_page(&name))?;
            }
            _ => pairs.push((name, value)),
        }
    }
    let mut filter = parse_filter(&pairs, &caller)?;
    let to = filter.to.unwrap_or_else(OffsetDateTime::now_utc);
    // How many events are stored would tell of others' events.
    let is_asked = filter.from.is_none() && filter.visibility.is_everything();
    let oldest = if is_asked { oldest_of_few(&state.reading, MAX_COUNTED).await? } else { None };
    let day_before = to - DEFAULT_RANGE;
    let from = filter.from.unwrap_or_else(|| oldest.map_or(day_before, |oldest| oldest.min(day_before))).min(to);
    let (start, step, bucket_count) = divide(from, to, max_buckets);
    (filter.from, filter.to) = (Some(from), Some(to));
    let counts = count_by_bucket(&state.reading, &filter, start, step).await?;
    let at = |bucket: i64| start + Duration::seconds(bucket * step);
    let buckets = counts.into_iter().map(|(bucket, kinds)| HistogramBucket { at: at(bucket), kinds }).collect();
    Ok(warp::reply::json(&Histogram { from: start, to: at(bucket_count), step, is_complete: oldest.is_some(), buckets })
        .into_response())
}

/// Divides a range into at most `max_buckets` buckets that start at multiples of their width and cover the whole range. Returns
/// the start of the first bucket, the width in seconds and the number of buckets.
fn divide(from: OffsetDateTime, to: OffsetDateTime, max_buckets: i64) -> (OffsetDateTime, i64, i64) {
    let (from, to) = (from.unix_timestamp(), to.unix_timestamp() + 1);
    let spanned = |step: i64| (to.div_euclid(step) + i64::from(to.rem_euclid(step) > 0)) - from.div_euclid(step);
    let weeks = (1..).map(|weeks| weeks * WEEK);
    let step = WIDTHS.into_iter().chain(weeks).find(|step| spanned(*step) <= max_buckets).unwrap_or(i64::MAX);
    let start = from.div_euclid(step) * step;
    (OffsetDateTime::from_unix_timestamp(start).unwrap_or(OffsetDateTime::UNIX_EPOCH), step, spanned(step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn buckets_have_round_times_and_cover_the_range_within_the_limit() {
        let from = datetime!(2026-03-04 05:06:07 UTC);
        for span in [1, 59, 3_600, 86_400, 7 * 86_400, 31 * 86_400, 366 * 86_400, 4_000 * 86_400] {
            let to = from + Duration::seconds(span);
            let (start, step, count) = divide(from, to, 96);
            assert!(start <= from && start + Duration::seconds(step * count) > to, "{span}");
            assert!((1..=96).contains(&count), "{span}: {count}");
            assert_eq!(start.unix_timestamp() % step, 0, "{span}");
        }
        assert_eq!(divide(from, from + Duration::DAY, 97).1, 900);
        assert_eq!(divide(from, from, 96), (from, 1, 1));
    }
}
