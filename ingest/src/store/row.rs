//! Events on their way into the table.

use crate::notify::draft::NotificationDraft;
use crate::webhook::delivery::Source;
use crate::webhook::event::NewEvent;

/// An event that the transaction stores unless its digest is known already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    /// The event's digest, copied here because thousands of candidates are sorted by it.
    pub(crate) digest: [u8; 16],
    /// The index of its batch in the transaction.
    pub(crate) batch: usize,
    /// Its position among all events of the transaction.
    pub(crate) position: usize,
    pub(crate) event: &'a NewEvent<'a>,
    pub(crate) notification: Option<&'a NotificationDraft>,
    pub(crate) source: &'a Source,
}

impl<'a> Candidate<'a> {
    /// The row of a candidate whose digest is new.
    pub(crate) fn with_id(&self, id: i64) -> Row<'a> {
        let Self { batch, event, notification, source, .. } = *self;
        Row { batch, id, event, notification, source }
    }
}

/// An event with the id that it is stored under.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    /// The index of its batch in the transaction.
    pub(crate) batch: usize,
    pub(crate) id: i64,
    pub(crate) event: &'a NewEvent<'a>,
    pub(crate) notification: Option<&'a NotificationDraft>,
    pub(crate) source: &'a Source,
}
