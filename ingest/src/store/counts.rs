//! What became of elements, counted: for the database, where the counts outlive the events, and for `/metrics`.

use std::collections::HashMap;

use sqlx::postgres::PgConnection;

use crate::webhook::event::known_kind;
use crate::webhook::queue::Source;

/// What became of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    /// A new event.
    Stored,
    /// Here already, or twice in its delivery.
    Duplicate,
    /// Kept apart.
    Quarantined,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Quarantined => "quarantined",
        }
    }
}

/// The counts of one commit, by source and kind. What was quarantined has no kind.
#[derive(Debug, Default)]
pub(crate) struct Counts<'a>(HashMap<(&'a str, bool, &'a str, Outcome), i64>);

impl<'a> Counts<'a> {
    pub(crate) fn add(&mut self, source: &'a Source, kind: &'a str, outcome: Outcome, count: i64) {
        let label = source.label().unwrap_or_default();
        *self.0.entry((label, source.is_simulation(), kind, outcome)).or_default() += count;
    }

    /// Appends them to the deltas, which maintenance folds.
    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows: Vec<_> = self.0.iter().filter(|(_, count)| **count != 0).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let labels: Vec<&str> = rows.iter().map(|((label, ..), _)| *label).collect();
        let simulated: Vec<bool> = rows.iter().map(|((_, simulated, ..), _)| *simulated).collect();
        let kinds: Vec<&str> = rows.iter().map(|((_, _, kind, _), _)| *kind).collect();
        let outcomes: Vec<&str> = rows.iter().map(|((.., outcome), _)| outcome.name()).collect();
        let counts: Vec<i64> = rows.iter().map(|(_, count)| **count).collect();
        sqlx::query!(
            "insert into event_count_deltas (webhook, simulated, kind, outcome, count)
             select * from unnest($1::text[], $2::boolean[], $3::text[], $4::text[], $5::bigint[])",
            &labels as &[&str],
            &simulated,
            &kinds as &[&str],
            &outcomes as &[&str],
            &counts
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Adds them to the metrics, once they are committed.
    pub(crate) fn publish(&self) {
        for ((_, _, kind, outcome), count) in &self.0 {
            let count = u64::try_from(*count).unwrap_or_default();
            metrics::counter!("ingest_events_total", "kind" => known_kind(kind), "outcome" => outcome.name()).increment(count);
        }
    }
}
