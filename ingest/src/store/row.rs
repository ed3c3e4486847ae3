//! Events waiting to be inserted into the table.

use sqlx::types::Uuid;
use time::OffsetDateTime;

use crate::notify::draft::NotificationDraft;
use crate::webhook::delivery::Source;
use crate::webhook::event::NewEvent;

/// An event that the transaction stores unless its digest already exists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    /// The event's digest, copied here because thousands of candidates are sorted by digest.
    pub(crate) digest: [u8; 16],
    /// The index of its batch in the transaction.
    pub(crate) batch: usize,
    /// Its position among all events in the transaction.
    pub(crate) position: usize,
    pub(crate) event: &'a NewEvent<'a>,
    pub(crate) notification: Option<&'a NotificationDraft>,
    pub(crate) source: &'a Source,
}

impl<'a> Candidate<'a> {
    /// What is kept while the event is recent: its day and most of its digest, so that the keys of a day are next to each other.
    pub(crate) fn key(&self) -> Option<Uuid> {
        let mut key = [0; 16];
        key[..2].copy_from_slice(&self.event.day?.to_be_bytes());
        key[2..].copy_from_slice(&self.digest[..14]);
        Some(Uuid::from_bytes(key))
    }

    /// The row for a candidate whose digest is new, in a transaction that began at `now`.
    pub(crate) fn with_id(&self, id: i64, now: OffsetDateTime) -> Row<'a> {
        let Self { batch, event, notification, source, .. } = *self;
        let happened_at = event.occurred_at.filter(|at| source.filed_as().is_some() && *at < now);
        Row { batch, id, received_at: happened_at.unwrap_or(now), event, notification, source }
    }
}

/// An event with the id under which it is stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    /// The index of its batch in the transaction.
    pub(crate) batch: usize,
    pub(crate) id: i64,
    /// The time under which the event is filed.
    pub(crate) received_at: OffsetDateTime,
    pub(crate) event: &'a NewEvent<'a>,
    pub(crate) notification: Option<&'a NotificationDraft>,
    pub(crate) source: &'a Source,
}
