//! What both ways of inserting events, one statement and COPY, report.

use super::outbox::OutboxRow;
use super::row::{Candidate, Row};

/// What a transaction did with its candidates. The others are duplicates.
#[derive(Debug, Default)]
pub(super) struct Inserted<'a> {
    /// New events.
    pub(super) rows: Vec<Row<'a>>,
    /// Events that Postgres refused, and why.
    pub(super) refused: Vec<(Candidate<'a>, String)>,
    /// The outbox row; `None` if the transaction stored no event.
    pub(super) outbox: Option<OutboxRow>,
}
