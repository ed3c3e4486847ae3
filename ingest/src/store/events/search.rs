//! Searches for a page of events within a time limit.
//!
//! An index finds most pages in milliseconds. No index helps with a filter that excludes nearly everything, or with two common words that never
//! occur together. Such a search reads events from the newest on, in steps, and tells how far it came.

mod kind_merge;
mod scan;

use std::time::Duration;

use shared::filter::Filter;
use shared::visibility::Restriction;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::time::Instant;

pub(crate) use self::scan::Found;
use self::scan::Scan;
use super::list::{self, ListPosition};
use super::search_plan::{self, RowLimit, SearchPlan};
use crate::store::time_limit;

/// How long a search reads events from the newest on, before it reads those of each selected kind.
const FIRST_SCAN: Duration = Duration::from_millis(50);

/// How many days back the first parts of a look-up reach.
const PERIOD_DAYS: [i64; 2] = [31, 124];

/// Finds up to `limit` of the newest events that match the filter and come after `after` in the list. It takes a little longer than `budget`
/// at most, but always comes further.
///
/// # Errors
/// Returns an error if Postgres fails, or if it cannot even read a hundred events within the time limit of a statement.
pub(crate) async fn search(
    pool: &PgPool,
    filter: &Filter,
    after: Option<ListPosition>,
    limit: i64,
    budget: Duration,
) -> Result<Found, sqlx::Error> {
    let deadline = Instant::now() + budget;
    let plan = search_plan::choose(pool, filter, RowLimit::Newest(limit)).await?;
    let mut scan = Scan::new(filter, after, limit, plan.with_earlier_forms);
    if has_lookup(filter, &plan) {
        if look_up(pool, filter, plan, &mut scan, budget / 2).await? {
            return Ok(scan.into_found());
        }
    } else if kind_merge::selects_several_kinds(filter) {
        // Matches are likely near the top, unless the kinds are all there is to the filter.
        if !kind_merge::selects_nothing_else(filter) && scan.run(pool, deadline.min(Instant::now() + FIRST_SCAN)).await? {
            return Ok(scan.into_found());
        }
        if kind_merge::merge(pool, filter, &mut scan, budget / 2).await? {
            return Ok(scan.into_found());
        }
    }
    scan.run(pool, deadline).await?;
    Ok(scan.into_found())
}

/// Whether an index finds events that match, other than in the order of the list.
fn has_lookup(filter: &Filter, plan: &SearchPlan) -> bool {
    let values = [&filter.recipient, &filter.message_id, &filter.template, &filter.subaccount, &filter.url, &filter.ip];
    let by_subaccount = |limit: &Restriction| limit.tags.is_empty() && limit.domains.is_empty();
    !plan.terms.is_empty()
        || !filter.ids.is_empty()
        || values.iter().any(|value| value.is_some())
        || filter.visibility.restrictions().any(by_subaccount)
}

/// Looks the rest up by the index. Returns false if that takes too long.
async fn look_up(
    pool: &PgPool,
    filter: &Filter,
    plan: SearchPlan,
    scan: &mut Scan<'_>,
    limit: Duration,
) -> Result<bool, sqlx::Error> {
    let deadline = Instant::now() + limit;
    let mut transaction = time_limit::begin(pool, limit).await?;
    let after = scan.position();
    let newest = after.map_or_else(OffsetDateTime::now_utc, |(received_at, _)| received_at);
    let newest = filter.to.map_or(newest, |to| newest.min(to));
    let mut events = Vec::new();
    // The index returns all matches of a partition before they are put in order. The newest partitions often have enough of them.
    for (from, to) in periods(filter, newest) {
        let remaining = deadline.saturating_duration_since(Instant::now());
        if remaining < Duration::from_millis(1) {
            return Ok(false);
        }
        time_limit::set(&mut transaction, remaining).await?;
        let filter = Filter { from, to, ..filter.clone() };
        let missing = scan.missing() - i64::try_from(events.len()).unwrap_or_default();
        let found = list::newest(&mut transaction, &filter, plan.clone(), after, missing).await;
        let Some(found) = time_limit::in_time(found)? else { return Ok(false) };
        events.extend(found);
        if i64::try_from(events.len()).is_ok_and(|found| found >= scan.missing()) {
            break;
        }
    }
    scan.end_with(events);
    Ok(true)
}

/// The filter's period in parts, newest first.
fn periods(filter: &Filter, newest: OffsetDateTime) -> Vec<(Option<OffsetDateTime>, Option<OffsetDateTime>)> {
    let (mut parts, mut to) = (Vec::new(), filter.to);
    if filter.ids.is_empty() {
        for days in PERIOD_DAYS {
            let from = newest.saturating_sub(time::Duration::days(days));
            if filter.from.is_some_and(|earliest| earliest >= from) {
                break;
            }
            parts.push((Some(from), to));
            to = Some(from);
        }
    }
    parts.push((filter.from, to));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn periods_cover_that_of_the_filter_once() {
        let now = datetime!(2026-11-30 12:00 UTC);
        let (month, year) = (now - time::Duration::days(31), now - time::Duration::days(365));
        let all = Filter::default();
        let parts = periods(&all, now);
        assert_eq!((parts.len(), parts[0], parts[2].0), (3, (Some(month), None), None));
        assert!(parts.windows(2).all(|pair| pair[1].1 == pair[0].0), "{parts:?}");
        let week = Filter { from: Some(now - time::Duration::days(7)), to: Some(now), ..Filter::default() };
        assert_eq!(periods(&week, now), [(week.from, week.to)]);
        let since = Filter { from: Some(year), ..Filter::default() };
        assert_eq!(periods(&since, now).last(), Some(&(Some(year), Some(now - time::Duration::days(124)))));
        let ids = Filter { ids: vec![1], ..Filter::default() };
        assert_eq!(periods(&ids, now), [(None, None)]);
    }
}
