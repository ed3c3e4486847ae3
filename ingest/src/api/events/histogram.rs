//! `/api/events/histogram`: how many of the selected events came when, by kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use shared::filter::Filter;
use shared::session::Caller;
use sqlx::{PgPool, QueryBuilder};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::events::filters::Filters;
use crate::http::error::ApiError;
use crate::http::page::Pairs;
use crate::state::AppState;
use crate::store::events::search_plan as lookup;
use crate::store::events::search_plan::Wanted;
use crate::store::events::selection::{filter_of, select};

/// Buckets unless asked for otherwise, and at most.
const USUAL: i64 = 96;
const MOST: i64 = 200;
/// The range when none is asked for.
const DAY: Duration = Duration::DAY;
/// Widths that a reader can name, in seconds; beyond them whole weeks.
const WIDTHS: [i64; 14] = [1, 5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800];

#[derive(Serialize, ToSchema)]
struct Histogram {
    /// The first bucket's begin.
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    /// The last bucket's end.
    #[serde(with = "time::serde::rfc3339")]
    to: OffsetDateTime,
    /// Seconds of a bucket.
    step: i64,
    /// Oldest first; those without events are left out.
    buckets: Vec<Bucket>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = HistogramBucket)]
struct Bucket {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// How many of each; kinds without any are left out.
    kinds: BTreeMap<String, i64>,
}

/// Counts events over time, by kind; those of the last day unless asked for otherwise.
///
/// # Errors
/// 401, 400 `bad_filter` or `bad_page`, 503 `too_slow`.
#[utoipa::path(get, path = "/api/events/histogram", operation_id = "countEventsOverTime", tag = "events",
    params(Filters, ("buckets" = Option<u8>, Query, description = "How many buckets there may be.", minimum = 1, maximum = 200)),
    responses((status = 200, description = "The counts.", body = Histogram),
        (status = 400, description = "`bad_filter`, `bad_page`"), (status = 503, description = "`too_slow`")))]
pub async fn get(state: Arc<AppState>, _: Caller, query: Pairs) -> Result<Response, ApiError> {
    let (mut most, mut pairs) = (USUAL, Vec::new());
    for (name, value) in query.0 {
        match name.as_ref() {
            "buckets" => most = value.parse().ok().filter(|n| (1..=MOST).contains(n)).ok_or(ApiError::BadPage)?,
            _ => pairs.push((name, value)),
        }
    }
    let mut filter = filter_of(&pairs)?;
    let to = filter.to.unwrap_or_else(OffsetDateTime::now_utc);
    let from = filter.from.unwrap_or(to - DAY).min(to);
    let (first, step, count) = buckets(from, to, most);
    (filter.from, filter.to) = (Some(from), Some(to));
    let counted = count_by(&state.reading, &filter, first, step).await?;
    let at = |bucket: i64| first + Duration::seconds(bucket * step);
    let buckets = counted.into_iter().map(|(bucket, kinds)| Bucket { at: at(bucket), kinds }).collect();
    Ok(warp::reply::json(&Histogram { from: first, to: at(count), step, buckets }).into_response())
}

/// Where the first bucket begins, how many seconds each has, and how many there are: at most `most`, on round times, over all of the range.
fn buckets(from: OffsetDateTime, to: OffsetDateTime, most: i64) -> (OffsetDateTime, i64, i64) {
    let (from, to) = (from.unix_timestamp(), to.unix_timestamp() + 1);
    let spanned = |step: i64| (to.div_euclid(step) + i64::from(to.rem_euclid(step) > 0)) - from.div_euclid(step);
    let weeks = (1..).map(|weeks| weeks * 604_800);
    let step = WIDTHS.into_iter().chain(weeks).find(|step| spanned(*step) <= most).unwrap_or(i64::MAX);
    let first = from.div_euclid(step) * step;
    (OffsetDateTime::from_unix_timestamp(first).unwrap_or(OffsetDateTime::UNIX_EPOCH), step, spanned(step))
}

type Counted = BTreeMap<i64, BTreeMap<String, i64>>;

async fn count_by(pool: &PgPool, filter: &Filter, first: OffsetDateTime, step: i64) -> Result<Counted, sqlx::Error> {
    let mut sql = QueryBuilder::new("select floor(extract(epoch from received_at - ");
    sql.push_bind(first).push(") / ").push_bind(step).push(")::bigint, kind, count(*) from events where true");
    select(&mut sql, filter, lookup::grams(pool, filter, Wanted::All).await?);
    sql.push(" group by 1, 2");
    let rows: Vec<(i64, String, i64)> = sql.build_query_as().fetch_all(pool).await?;
    let mut counted = Counted::new();
    for (bucket, kind, count) in rows {
        *counted.entry(bucket).or_default().entry(kind).or_default() += count;
    }
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn buckets_are_round_few_and_cover_the_range() {
        let from = datetime!(2026-03-04 05:06:07 UTC);
        for span in [1, 59, 3_600, 86_400, 7 * 86_400, 31 * 86_400, 366 * 86_400, 4_000 * 86_400] {
            let to = from + Duration::seconds(span);
            let (first, step, count) = buckets(from, to, 96);
            assert!(first <= from && first + Duration::seconds(step * count) > to, "{span}");
            assert!((1..=96).contains(&count), "{span}: {count}");
            assert_eq!(first.unix_timestamp() % step, 0, "{span}");
        }
        assert_eq!(buckets(from, from + Duration::DAY, 97).1, 900);
        assert_eq!(buckets(from, from, 96), (from, 1, 1));
    }
}
