//! `/api/stats`: events counted by kind, over time and by shared attributes.

mod query;
mod summary;

use std::sync::Arc;

use shared::session::Caller;
use sqlx::PgPool;
use time::Duration;
use warp::reply::{Reply, Response};

use self::query::{StatisticsParams, StatisticsQuery};
use self::summary::{Facets, PreviousPeriod, Statistics, buckets_from_rows, by_verdict, total};
use crate::http::error::ApiError;
use crate::http::page::Pairs;
use crate::state::AppState;
use crate::store::events::statistics::{Period, count_by_facet, count_by_time, count_by_verdict, is_time_zone};

/// Longest period that uses hourly buckets.
const MAX_HOURLY: Duration = Duration::days(3);
/// Longest period that uses daily buckets; longer ones use monthly buckets.
const MAX_DAILY: Duration = Duration::days(100);

/// Counts events by kind, over time and by bounce reason, domain, tag and template.
///
/// The period is rounded outward to whole hours. It defaults to the last week.
///
/// # Errors
/// 401; 400 `bad_page`; 503 `too_slow`.
#[utoipa::path(get, path = "/api/stats", operation_id = "getStatistics", tag = "statistics",
    params(StatisticsParams),
    responses((status = 200, description = "The counts.", body = Statistics),
        (status = 400, description = "`bad_page`"), (status = 503, description = "`too_slow`")))]
pub async fn get(state: Arc<AppState>, _: Caller, query: Pairs) -> Result<Response, ApiError> {
    let query = StatisticsQuery::parse(&query)?;
    if !is_time_zone(&state.reading, &query.zone).await? {
        return Err(ApiError::BadPage);
    }
    Ok(warp::reply::json(&summarize(&state.reading, query).await?).into_response())
}

async fn summarize(pool: &PgPool, query: StatisticsQuery) -> Result<Statistics, sqlx::Error> {
    let StatisticsQuery { period, zone, simulated } = query;
    let length = period.to - period.from;
    let step = match length {
        length if length <= MAX_HOURLY => "hour",
        length if length <= MAX_DAILY => "day",
        _ => "month",
    };
    let previous = Period { from: period.from - length, to: period.from };
    let (rows, previous_rows, facet_rows, verdict_rows) = tokio::try_join!(
        count_by_time(pool, &period, step, &zone, simulated),
        count_by_time(pool, &previous, "month", "UTC", simulated),
        count_by_facet(pool, &period, simulated),
        count_by_verdict(pool, &period, simulated)
    )?;
    let Facets { bounces, domains, tags, templates } = Facets::from_rows(facet_rows);
    Ok(Statistics {
        counts: total(&rows),
        previous: PreviousPeriod { counts: total(&previous_rows), period: previous },
        period,
        step,
        zone,
        buckets: buckets_from_rows(rows),
        reasons: by_verdict(&verdict_rows, |row| &row.reason_class),
        actors: by_verdict(&verdict_rows, |row| &row.actor),
        bounces,
        domains,
        tags,
        templates,
    })
}
