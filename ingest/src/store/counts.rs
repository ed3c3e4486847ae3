//! Counts how many elements were stored, were duplicates, or were quarantined. The counts are used for the statistics, where they outlive
//! the events, and for `/metrics`.

use std::collections::HashMap;

use sqlx::postgres::PgConnection;

use super::inserted::Inserted;
use crate::webhook::batch::VerifiedBatch;
use crate::webhook::delivery::Source;
use crate::webhook::event::known_kind;

/// What happened to an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Outcome {
    Stored,
    Duplicate,
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

/// The counts for one transaction, by key label, simulation, kind and outcome. Quarantined elements have the kind `""`.
#[derive(Debug, Default)]
pub(crate) struct Counts<'a>(HashMap<(&'a str, bool, &'a str, Outcome), i64>);

impl<'a> Counts<'a> {
    /// Counts the elements in the batches. Events are first counted as duplicates and then moved to the other outcomes.
    pub(super) fn of(batches: &'a [VerifiedBatch<'a>], inserted: &Inserted<'a>) -> Self {
        let mut counts = Self::default();
        for VerifiedBatch { batch, source, .. } in batches {
            // Summed by kind first, because a batch contains thousands of events but few kinds.
            let mut kinds = HashMap::new();
            for event in &batch.events {
                *kinds.entry(&*event.kind).or_insert(0) += 1;
            }
            for (kind, count) in kinds {
                counts.add(source, kind, Outcome::Duplicate, count);
            }
            counts.add(source, "", Outcome::Quarantined, i64::try_from(batch.poison.len()).unwrap_or(i64::MAX));
        }
        let mut stored: HashMap<_, (&Source, i64)> = HashMap::new();
        for row in &inserted.rows {
            stored.entry((row.source.label(), &*row.event.kind)).or_insert((row.source, 0)).1 += 1;
        }
        for ((_, kind), (source, count)) in stored {
            counts.add(source, kind, Outcome::Duplicate, -count);
            counts.add(source, kind, Outcome::Stored, count);
        }
        for (candidate, _) in &inserted.refused {
            counts.add(candidate.source, &candidate.event.kind, Outcome::Duplicate, -1);
            counts.add(candidate.source, "", Outcome::Quarantined, 1);
        }
        counts
    }

    fn add(&mut self, source: &'a Source, kind: &'a str, outcome: Outcome, count: i64) {
        let label = source.label().unwrap_or_default();
        *self.0.entry((label, source.is_simulation(), kind, outcome)).or_default() += count;
    }

    /// Appends the counts to `event_count_deltas`, which a periodic job merges into the hourly counts.
    ///
    /// # Errors
    /// Returns an error if Postgres fails.
    pub(super) async fn write(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
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

    /// Adds the counts to the metrics. Call it after the commit.
    pub(crate) fn publish(&self) {
        for ((_, _, kind, outcome), count) in &self.0 {
            let count = u64::try_from(*count).unwrap_or_default();
            metrics::counter!("ingest_events_total", "kind" => known_kind(kind), "outcome" => outcome.name()).increment(count);
        }
    }
}
