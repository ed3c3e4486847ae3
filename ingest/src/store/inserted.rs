//! The result reported by both ways of inserting events: a single statement and COPY.

use super::outbox::OutboxRow;
use super::row::{Candidate, Row};

/// What happened to a transaction's candidates. Candidates not listed here are duplicates.
#[derive(Debug, Default)]
pub(super) struct Inserted<'a> {
    /// New events.
    pub(super) rows: Vec<Row<'a>>,
    /// Events that Postgres rejected, with the reason.
    pub(super) refused: Vec<(Candidate<'a>, String)>,
    /// The outbox row; `None` if the transaction stored no event.
    pub(super) outbox: Option<OutboxRow>,
}
