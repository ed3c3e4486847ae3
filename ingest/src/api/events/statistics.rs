//! `/api/stats`: events counted by kind, over time and by shared attributes.

pub(crate) mod query;
mod summary;

use std::sync::Arc;

use shared::filter::Filter;
use shared::session::Caller;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use warp::reply::Response;

use self::query::{StatisticsParams, StatisticsQuery};
use self::summary::{Facets, PreviousPeriod, Statistics, UniqueOutcome, buckets, by_verdict, coverage, total, unique_totals};
use crate::api::events::filters::Filters;
use crate::http::error::ApiError;
use crate::http::page::Pairs;
use crate::http::reply;
use crate::state::AppState;
use crate::store::events::selected_statistics as selected;
use crate::store::events::statistics::{self as store, BucketCount, Counted, Period};
use crate::store::reports::Report;
use crate::store::time_limit;

/// Counts events by kind, over time and by bounce text, domain, tag, template and subaccount.
///
/// The period is rounded outward to whole quarters of an hour. It defaults to the last week. Bounce texts, domains, tags, templates and
/// subaccounts are counted by the time of receipt, even with `time=occurred`.
///
/// With a filter, the events themselves are counted, as far as they are stored.
///
/// # Errors
/// 401; 400 `bad_filter` or `bad_page`; 503 `too_slow`.
#[utoipa::path(get, path = "/api/stats", operation_id = "getStatistics", tag = "statistics",
    params(StatisticsParams, Filters),
    responses((status = 200, description = "The counts.", body = Statistics),
        (status = 400, description = "`bad_filter`, `bad_page`"), (status = 503, description = "`too_slow`")))]
pub async fn get(state: Arc<AppState>, caller: Caller, query: Pairs) -> Result<Response, ApiError> {
    let query = StatisticsQuery::parse(&query, &caller)?;
    if !store::is_time_zone(&state.reading, &query.zone).await? {
        return Err(ApiError::bad_page("zone"));
    }
    let query = &query;
    let Report { value, lag_seconds } = state.reports.read(|pool| async move { summarize(&pool, query).await }).await?;
    reply::json(&caller, &Statistics { lag_seconds, ..value })
}

async fn summarize(pool: &PgPool, query: &StatisticsQuery) -> Result<Statistics, sqlx::Error> {
    let StatisticsQuery { counted, filter, step, clock, zone } = query;
    let (counted, step, clock) = (*counted, *step, *clock);
    let period = counted.period;
    let length = period.to - period.from;
    let previous = Counted { period: Period { from: period.from - length, to: period.from }, ..counted };
    let (boundaries, previous_boundaries, oldest, first_counted, hourly_until) = tokio::try_join!(
        store::boundaries(pool, period, step.name(), zone),
        store::boundaries(pool, previous.period, step.name(), zone),
        store::oldest_event(pool),
        store::first_counted(pool),
        store::hourly_until(pool, period)
    )?;
    let (starts, previous_starts) = (starts(&boundaries), starts(&previous_boundaries));
    let is_stored = |period: Period| store::is_stored(period, oldest, first_counted);
    let (rows, previous_rows) = tokio::try_join!(
        count_by_bucket(pool, filter, counted, starts),
        count_by_bucket(pool, filter, previous, previous_starts)
    )?;
    // One after the other, so that a request for many events does not take most of the connections.
    let uniques = async {
        let unique = count_unique(pool, filter, counted, starts, is_stored(period), &rows).await?;
        let is_previous_stored = is_stored(previous.period);
        Ok((unique, count_unique(pool, filter, previous, previous_starts, is_previous_stored, &previous_rows).await?))
    };
    let (facets, (unique, previous_unique)) = tokio::try_join!(count_facets(pool, filter, counted, oldest), uniques)?;
    let Facets { bounces, domains, tags, templates, subaccounts } = facets;
    Ok(Statistics {
        counts: total(&rows),
        delivery: coverage(&rows, &boundaries),
        previous: PreviousPeriod {
            counts: total(&previous_rows),
            delivery: coverage(&previous_rows, &previous_boundaries),
            unique: unique_totals(&previous_unique),
            period: previous.period,
        },
        reasons: by_verdict(&rows, |row| &row.reason_class),
        actors: by_verdict(&rows, |row| &row.actor),
        unique: unique_totals(&unique),
        unique_missing: unique.missing(),
        buckets: buckets(&rows, &unique, &boundaries, period, OffsetDateTime::now_utc()),
        approximate_before: hourly_until.filter(|_| filter.is_empty()),
        counted_from: oldest.filter(|oldest| !filter.is_empty() && *oldest > period.from && !is_stored(period)),
        period,
        step,
        time: clock,
        zone: zone.clone(),
        lag_seconds: None,
        bounces,
        domains,
        tags,
        templates,
        subaccounts,
    })
}

/// Counts from the stored counts, or from the events themselves if a filter selects some of them.
async fn count_by_bucket(
    pool: &PgPool,
    filter: &Filter,
    counted: Counted,
    starts: &[OffsetDateTime],
) -> Result<Vec<BucketCount>, sqlx::Error> {
    if filter.is_empty() {
        store::count_by_bucket(pool, counted, starts).await
    } else {
        selected::count_by_bucket(pool, filter, counted, starts).await
    }
}

/// The boundaries without the end of the last bucket.
fn starts(boundaries: &[OffsetDateTime]) -> &[OffsetDateTime] {
    boundaries.split_last().map_or(&[], |(_, starts)| starts)
}

/// Counts facets from whole hours or days where possible, and the edges of the period from the events, where they are still stored.
async fn count_facets(
    pool: &PgPool,
    filter: &Filter,
    counted: Counted,
    oldest: Option<OffsetDateTime>,
) -> Result<Facets, sqlx::Error> {
    if !filter.is_empty() {
        // By the time of receipt, as without a filter.
        let counted = Counted { by_occurrence: false, ..counted };
        return Ok(Facets::from_rows(selected::count_by_facet(pool, filter, counted).await?));
    }
    let Period { from, to } = counted.period;
    let until = store::facets_until(pool).await?;
    let merged_before = (OffsetDateTime::now_utc() - store::FACETS_HOURLY_AGE).date().midnight().assume_utc();
    let unit = |at: OffsetDateTime| if at < merged_before { Duration::DAY } else { Duration::HOUR };
    let floor = |at: OffsetDateTime| {
        let seconds = at.unix_timestamp().rem_euclid(unit(at).whole_seconds());
        at - Duration::seconds(seconds)
    };
    let ceil = |at: OffsetDateTime| if floor(at) == at { at } else { floor(at) + unit(at) };
    let is_stored = |at: OffsetDateTime| oldest.is_some_and(|oldest| oldest <= at);
    // Where the events of an edge are gone, the whole hour or day counts.
    let first = if is_stored(floor(from)) { ceil(from) } else { floor(from) };
    let last = if is_stored(floor(to)) { floor(to) } else { ceil(to) }.min(until);
    let hours = Period { from: first, to: last.max(first) };
    Ok(Facets::from_rows(store::count_by_facet(pool, counted.period, hours, counted.simulated).await?))
}

/// Opens and clicks beyond this number cannot be grouped by message in time, so that it is not tried.
const MAX_UNIQUE_EVENTS: i64 = 2_000_000;

/// Counts messages, unless their events are gone or there are too many. `counts` are those of the events.
async fn count_unique(
    pool: &PgPool,
    filter: &Filter,
    counted: Counted,
    starts: &[OffsetDateTime],
    is_stored: bool,
    counts: &[BucketCount],
) -> Result<UniqueOutcome, sqlx::Error> {
    if !is_stored {
        return Ok(UniqueOutcome::NotStored);
    }
    let events: i64 = counts.iter().filter(|row| row.kind == "open" || row.kind == "click").map(|row| row.count).sum();
    if events > MAX_UNIQUE_EVENTS {
        return Ok(UniqueOutcome::TooMany);
    }
    let rows = time_limit::in_time(selected::count_unique(pool, filter, counted, starts).await)?;
    Ok(rows.map_or(UniqueOutcome::TooMany, UniqueOutcome::Counted))
}
