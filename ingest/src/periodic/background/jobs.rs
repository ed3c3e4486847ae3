//! The background jobs of this version.

use sqlx::postgres::PgConnection;

use super::search_terms;
use super::step::Step;
use crate::store::background_jobs;
use crate::store::partition_indexes::{self, PartitionIndex};

/// A job. Its name is in the database: it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// Adds search terms to events without them, which versions before 0.1.0 stored.
    SearchTerms,
    /// Gives every partition its part of an index.
    Index(PartitionIndex),
}

/// All jobs, in the order in which they run. To index a column, or to change an index, add an entry; to fill a column, add a variant.
pub(crate) const JOBS: [Job; 2] =
    [Job::SearchTerms, Job::Index(PartitionIndex { name: "events_search_idx", definition: "using gin (terms)" })];

impl Job {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SearchTerms => "search_terms",
            Self::Index(index) => index.name,
        }
    }

    /// Raise it when the job has to run again over everything.
    pub(crate) fn version(self) -> i32 {
        match self {
            Self::SearchTerms | Self::Index(_) => 1,
        }
    }

    /// Works for a moment from `position`, and stores how far it is.
    ///
    /// # Errors
    /// When Postgres fails. The step has no effect then, or the next call continues it.
    pub(crate) async fn step(self, connection: &mut PgConnection, position: Option<&str>) -> Result<Step, sqlx::Error> {
        match self {
            Self::SearchTerms => search_terms::step(connection, self.name(), position).await,
            Self::Index(index) => {
                if !partition_indexes::build_next(connection, index).await? {
                    return Ok(Step::Done);
                }
                background_jobs::advance(&mut *connection, self.name(), None, 1).await?;
                Ok(Step::Continue(None))
            }
        }
    }
}
