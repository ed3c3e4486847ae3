//! Counts how many elements were stored, were duplicates, or were quarantined. The counts are used for the statistics, where they outlive
//! the events, and for `/metrics`.

use std::collections::HashMap;

use shared::event::{Actor, ReasonClass};
use sqlx::postgres::PgConnection;
use time::OffsetDateTime;

use super::inserted::Inserted;
use super::row::Row;
use crate::webhook::batch::VerifiedBatch;
use crate::webhook::delivery::Source;
use crate::webhook::event::known_kind;

const QUARTER_SECONDS: i64 = 900;

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

/// What elements have in common that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Group<'a> {
    /// The label of the webhook key; empty for elements that no webhook delivered.
    webhook: &'a str,
    simulated: bool,
    /// Empty for quarantined elements.
    kind: &'a str,
    outcome: Outcome,
    /// The Unix time of the quarter of an hour under which the events are filed; `None` for the current one.
    filed: Option<i64>,
    /// The Unix time of the quarter of an hour in which the events happened; `None` for the current one.
    occurred: Option<i64>,
    reason_class: Option<ReasonClass>,
    actor: Option<Actor>,
}

impl<'a> Group<'a> {
    fn of(source: &'a Source, kind: &'a str, outcome: Outcome) -> Self {
        let webhook = source.label().unwrap_or_default();
        let simulated = source.is_simulation();
        Self { webhook, simulated, kind, outcome, filed: None, occurred: None, reason_class: None, actor: None }
    }

    fn of_stored(row: &Row<'a>) -> Self {
        let quarter = |at: OffsetDateTime| at.unix_timestamp().div_euclid(QUARTER_SECONDS) * QUARTER_SECONDS;
        Self {
            filed: row.source.filed_as().map(|_| quarter(row.received_at)),
            occurred: row.event.occurred_at.map(quarter),
            reason_class: row.event.reason_class,
            actor: row.event.actor.map(|(actor, _)| actor),
            ..Self::of(row.source, &row.event.kind, Outcome::Stored)
        }
    }
}

/// The counts for one transaction.
#[derive(Debug, Default)]
pub(crate) struct Counts<'a>(HashMap<Group<'a>, i64>);

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
                counts.add(Group::of(source, kind, Outcome::Duplicate), count);
            }
            let quarantined = i64::try_from(batch.poison.len()).unwrap_or(i64::MAX);
            counts.add(Group::of(source, "", Outcome::Quarantined), quarantined);
        }
        let mut stored = Self::default();
        for row in &inserted.rows {
            stored.add(Group::of_stored(row), 1);
        }
        for (group, count) in stored.0 {
            let duplicates =
                Group { outcome: Outcome::Duplicate, filed: None, occurred: None, reason_class: None, actor: None, ..group };
            counts.add(duplicates, -count);
            counts.add(group, count);
        }
        for (candidate, _) in &inserted.refused {
            counts.add(Group::of(candidate.source, &candidate.event.kind, Outcome::Duplicate), -1);
            counts.add(Group::of(candidate.source, "", Outcome::Quarantined), 1);
        }
        counts
    }

    fn add(&mut self, group: Group<'a>, count: i64) {
        *self.0.entry(group).or_default() += count;
    }

    /// Appends the counts to `event_tally_deltas`, which a periodic job merges into `event_tallies`.
    ///
    /// # Errors
    /// Returns an error if Postgres fails.
    pub(super) async fn write(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows: Vec<(&Group<'_>, i64)> =
            self.0.iter().filter(|(_, count)| **count != 0).map(|(group, count)| (group, *count)).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let texts =
            |column: for<'g> fn(&'g Group<'_>) -> &'g str| rows.iter().map(|(group, _)| column(group)).collect::<Vec<_>>();
        let simulated: Vec<bool> = rows.iter().map(|(group, _)| group.simulated).collect();
        let filed: Vec<Option<i64>> = rows.iter().map(|(group, _)| group.filed).collect();
        let occurred: Vec<Option<i64>> = rows.iter().map(|(group, _)| group.occurred).collect();
        let counts: Vec<i64> = rows.iter().map(|(_, count)| *count).collect();
        sqlx::query!(
            "insert into event_tally_deltas (webhook, simulated, kind, outcome, occurred, reason_class, actor, count, at)
             select webhook, simulated, kind, outcome, coalesce(to_timestamp(occurred), quarter_hour(now())), reason_class, actor,
                    count, coalesce(to_timestamp(filed), now())
             from unnest($1::text[], $2::boolean[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::bigint[], $9::bigint[])
               as t (webhook, simulated, kind, outcome, occurred, reason_class, actor, count, filed)",
            &texts(|group| group.webhook) as &[&str],
            &simulated,
            &texts(|group| group.kind) as &[&str],
            &texts(|group| group.outcome.name()) as &[&str],
            &occurred as &[Option<i64>],
            &texts(|group| group.reason_class.map_or("", ReasonClass::code)) as &[&str],
            &texts(|group| group.actor.map_or("", Actor::code)) as &[&str],
            &counts,
            &filed as &[Option<i64>]
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Adds the counts to the metrics. Call it after the commit.
    pub(crate) fn publish(&self) {
        for (group, count) in &self.0 {
            let count = u64::try_from(*count).unwrap_or_default();
            let (kind, outcome) = (known_kind(group.kind), group.outcome.name());
            metrics::counter!("ingest_events_total", "kind" => kind, "outcome" => outcome).increment(count);
        }
    }
}
