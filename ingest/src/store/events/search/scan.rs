//! Reads events in the order of the list, in steps, until enough of them match or the time is up.

use std::time::Duration;

use shared::event::Event;
use shared::filter::Filter;
use sqlx::{PgPool, QueryBuilder};
use tokio::time::Instant;

use crate::store::copy::EVENT_COLUMNS;
use crate::store::events::list::{ListPosition, push_after, push_list_order};
use crate::store::events::search_plan::SearchPlan;
use crate::store::events::selection::{push_conditions, push_ordered};
use crate::store::sqlstate;

/// The number of events that the first step reads, and limits for later ones.
const FIRST_STEP: i64 = 2_000;
const MIN_STEP: i64 = 100;
const MAX_STEP: i64 = 200_000;
/// How long a step is meant to take.
const STEP_TIME: Duration = Duration::from_millis(150);
/// A step reads at most this many times what the one before did.
const MAX_GROWTH: f64 = 8.0;

/// The result of a search.
#[derive(Debug)]
pub(crate) struct Found {
    /// The newest events that match, newest first.
    pub(crate) events: Vec<Event>,
    /// Where to go on if the time was up: all events above were searched. `None` if as many events as asked for were found, or all events
    /// were searched.
    pub(crate) searched_to: Option<ListPosition>,
}

/// A search that reads events from a position on.
pub(super) struct Scan<'a> {
    filter: &'a Filter,
    limit: i64,
    with_earlier_forms: bool,
    found: Vec<Event>,
    /// Everything above was searched.
    position: Option<ListPosition>,
    step: i64,
    is_complete: bool,
}

impl<'a> Scan<'a> {
    pub(super) fn new(filter: &'a Filter, after: Option<ListPosition>, limit: i64, with_earlier_forms: bool) -> Self {
        Self { filter, limit, with_earlier_forms, found: Vec::new(), position: after, step: FIRST_STEP, is_complete: false }
    }

    pub(super) fn position(&self) -> Option<ListPosition> {
        self.position
    }

    pub(super) fn with_earlier_forms(&self) -> bool {
        self.with_earlier_forms
    }

    /// How many events are still to be found.
    pub(super) fn missing(&self) -> i64 {
        self.limit - i64::try_from(self.found.len()).unwrap_or(self.limit)
    }

    /// Ends the search with the rest of what it was to find.
    pub(super) fn end_with(&mut self, events: Vec<Event>) {
        self.found.extend(events);
        self.is_complete = true;
    }

    pub(super) fn into_found(self) -> Found {
        Found { searched_to: self.position.filter(|_| !self.is_complete), events: self.found }
    }

    /// Reads at least one step, and further ones until the deadline. Returns whether the search is complete.
    ///
    /// # Errors
    /// Returns an error if Postgres fails.
    pub(super) async fn run(&mut self, pool: &PgPool, deadline: Instant) -> Result<bool, sqlx::Error> {
        loop {
            let started = Instant::now();
            match self.read_step(pool).await {
                Ok(()) => self.step = next_step(self.step, started.elapsed()),
                Err(error) if sqlstate::is_timeout(&error) && self.step > MIN_STEP => {
                    self.step = (self.step / 8).max(MIN_STEP);
                    continue;
                }
                Err(error) => return Err(error),
            }
            if self.is_complete || Instant::now() >= deadline {
                return Ok(self.is_complete);
            }
        }
    }

    async fn read_step(&mut self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut events = self.matches(pool).await?;
        if i64::try_from(events.len()).is_ok_and(|found| found >= self.missing()) {
            self.end_with(events);
            return Ok(());
        }
        let Some(bottom) = self.bottom(pool).await? else {
            self.end_with(events);
            return Ok(());
        };
        // If events were filed above in the meantime, the step now ends earlier, and the next one finds what is below.
        events.retain(|event| (event.received_at, event.id) >= bottom);
        self.found.extend(events);
        self.position = Some(bottom);
        Ok(())
    }

    /// The matches among the events of this step, as many as are missing.
    async fn matches(&self, pool: &PgPool) -> Result<Vec<Event>, sqlx::Error> {
        let mut sql = QueryBuilder::new(format!("select {EVENT_COLUMNS}, erased_at from (select * from events where true"));
        self.push_step(&mut sql);
        sql.push(" limit ").push_bind(self.step).push(") as events where true");
        let plan = SearchPlan { terms: Vec::new(), with_earlier_forms: self.with_earlier_forms };
        push_conditions(&mut sql, self.filter, plan);
        push_list_order(&mut sql);
        sql.push(" limit ").push_bind(self.missing());
        sql.build_query_as().fetch_all(pool).await
    }

    /// The last event of this step. `None` if there are fewer events.
    async fn bottom(&self, pool: &PgPool) -> Result<Option<ListPosition>, sqlx::Error> {
        let mut sql = QueryBuilder::new("select received_at, id from events where true");
        self.push_step(&mut sql);
        sql.push(" offset ").push_bind(self.step - 1).push(" limit 1");
        sql.build_query_as().fetch_optional(pool).await
    }

    fn push_step(&self, sql: &mut QueryBuilder<sqlx::Postgres>) {
        push_ordered(sql, self.filter);
        push_after(sql, self.position);
        push_list_order(sql);
    }
}

/// The size of the next step, from the size of the last one and how long it took.
fn next_step(step: i64, took: Duration) -> i64 {
    let growth = STEP_TIME.as_secs_f64() / took.as_secs_f64().max(1e-6);
    let next = step as f64 * growth.clamp(1.0 / MAX_GROWTH, MAX_GROWTH);
    (next as i64).clamp(MIN_STEP, MAX_STEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_adapt_to_the_time_that_they_take() {
        assert_eq!(next_step(2_000, Duration::ZERO), 16_000);
        assert_eq!(next_step(2_000, Duration::from_millis(75)), 4_000);
        assert_eq!(next_step(2_000, Duration::from_secs(5)), 250);
        assert_eq!((next_step(100, Duration::from_secs(5)), next_step(MAX_STEP, Duration::ZERO)), (MIN_STEP, MAX_STEP));
    }
}
