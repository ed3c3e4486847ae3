//! Searches for a page of events within a time limit.
//!
//! An index finds most pages in milliseconds. No index helps with a filter that excludes nearly everything, or with two common words that never
//! occur together. Such a search reads events from the newest on, in steps, and tells how far it came.

mod kind_merge;
mod scan;

use std::time::Duration;

use shared::filter::Filter;
use sqlx::PgPool;
use tokio::time::Instant;

pub(crate) use self::scan::Found;
use self::scan::Scan;
use super::list::{self, ListPosition};
use super::search_plan::{self, RowLimit, SearchPlan};
use crate::store::time_limit;

/// How long a search reads events from the newest on, before it reads those of each selected kind.
const FIRST_SCAN: Duration = Duration::from_millis(50);

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
    let values = [&filter.template, &filter.subaccount, &filter.url, &filter.ip];
    !plan.terms.is_empty() || !filter.ids.is_empty() || values.iter().any(|value| value.is_some())
}

/// Looks the rest up by the index. Returns false if that takes too long.
async fn look_up(
    pool: &PgPool,
    filter: &Filter,
    plan: SearchPlan,
    scan: &mut Scan<'_>,
    limit: Duration,
) -> Result<bool, sqlx::Error> {
    let mut transaction = time_limit::begin(pool, limit).await?;
    let found = list::newest(&mut transaction, filter, plan, scan.position(), scan.missing()).await;
    scan.end_if_in_time(found)
}
