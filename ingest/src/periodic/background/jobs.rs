//! The background jobs of this version.

use sqlx::postgres::PgConnection;

use super::step::Step;
use super::{facets, hourly_counts, payloads, search_fold, search_terms, verdicts};
use crate::store::partition_indexes::{self, PartitionIndex};
use crate::store::{background_jobs, constraints, search_texts};
use crate::verdict;

/// A job. Its name is stored in the database, so it must never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// Adds search terms to events that were stored without them by versions before 0.1.0.
    SearchTerms,
    /// Decides on events on which older rules, or none, decided.
    Verdicts,
    /// Replaces the hourly counts of version 0.2.0.
    HourlyCounts,
    /// Folds the searchable texts of version 0.2.0 again.
    SearchFold,
    /// Counts facets again that an older version counted.
    Facets,
    /// Builds an index on every partition.
    Index(PartitionIndex),
    /// Validates constraints that migrations added as NOT VALID.
    Constraints,
    /// Compresses payloads that are stored as they are.
    Payloads,
}

/// All jobs, in the order in which they run. To index a column or change an index, add an entry; to backfill a column, add a variant.
pub(crate) const JOBS: &[Job] = &[
    Job::SearchTerms,
    Job::Index(PartitionIndex { name: "events_search_idx", definition: "using gin (terms)", replaces: None }),
    Job::Index(PartitionIndex {
        name: "events_kind_received_at_idx",
        definition: "(kind, received_at)",
        replaces: Some("events_kind_idx"),
    }),
    Job::Index(PartitionIndex {
        name: "events_sender_received_at_idx",
        definition: r#"(lower(sender collate "C"), received_at)"#,
        replaces: Some("events_sender_idx"),
    }),
    Job::Index(PartitionIndex {
        name: "events_recipient_lower_idx",
        definition: r#"(lower(recipient collate "C"))"#,
        replaces: Some("events_recipient_idx"),
    }),
    Job::Index(PartitionIndex {
        name: "events_message_hash_idx",
        definition: "using hash (message_id)",
        replaces: Some("events_message_idx"),
    }),
    Job::Verdicts,
    Job::HourlyCounts,
    Job::Facets,
    Job::SearchFold,
    Job::Constraints,
    Job::Payloads,
];

impl Job {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SearchTerms => "search_terms",
            Self::Verdicts => "verdicts",
            Self::HourlyCounts => "hourly_counts",
            Self::Facets => "facets",
            Self::SearchFold => search_texts::FOLD_JOB,
            Self::Constraints => "constraints",
            Self::Payloads => "payloads",
            Self::Index(index) => index.name,
        }
    }

    /// The job's version. Increment it if the job has to process all rows again.
    pub(crate) fn version(self) -> i32 {
        match self {
            Self::SearchTerms | Self::HourlyCounts | Self::SearchFold | Self::Index(_) | Self::Constraints | Self::Payloads => 1,
            Self::Facets => 2,
            Self::Verdicts => i32::from(verdict::RULES),
        }
    }

    /// Runs one short step starting at `position`, and stores the progress.
    ///
    /// # Errors
    /// When Postgres fails. In that case the step either has no effect or is resumed by the next call.
    pub(crate) async fn step(self, connection: &mut PgConnection, position: Option<&str>) -> Result<Step, sqlx::Error> {
        match self {
            Self::SearchTerms => search_terms::step(connection, self.name(), position).await,
            Self::Verdicts => verdicts::step(connection, self.name(), position).await,
            Self::HourlyCounts => hourly_counts::step(connection, self.name(), position).await,
            Self::SearchFold => search_fold::step(connection, self.name(), position).await,
            Self::Payloads => payloads::step(connection, self.name(), position).await,
            Self::Facets => facets::step(connection, self.name(), position).await,
            Self::Index(index) => {
                let has_worked = partition_indexes::build_next(connection, index).await?;
                self.repeat_while(has_worked, connection).await
            }
            Self::Constraints => {
                let has_worked = constraints::validate_next(connection).await?;
                self.repeat_while(has_worked, connection).await
            }
        }
    }

    /// The step of a job that finds its position in the catalog.
    async fn repeat_while(self, has_worked: bool, connection: &mut PgConnection) -> Result<Step, sqlx::Error> {
        if !has_worked {
            return Ok(Step::Done(None));
        }
        background_jobs::advance(&mut *connection, self.name(), None, 1).await?;
        Ok(Step::Continue(None))
    }
}
