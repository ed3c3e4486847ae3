//! What an import has done, and why it ended early.

use std::io;

/// What became of elements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Elements that have been read.
    pub(crate) read: u64,
    /// Events that were new; in a preview, that would be.
    pub(crate) stored: u64,
    /// Events that were stored already, or occur several times.
    pub(crate) duplicates: u64,
    /// Elements that are not events.
    pub(crate) quarantined: u64,
    /// Events that are older than those that are kept.
    pub(crate) expired: u64,
    /// Test events and erased events of an export.
    pub(crate) left_out: u64,
    /// Bytes of the file that have been read.
    pub(crate) read_bytes: u64,
}

impl Totals {
    pub(super) fn add(&mut self, other: Self) {
        self.read += other.read;
        self.stored += other.stored;
        self.duplicates += other.duplicates;
        self.quarantined += other.quarantined;
        self.expired += other.expired;
        self.left_out += other.left_out;
        self.read_bytes = other.read_bytes;
    }
}

/// The reason that an import ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error("the file cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
    /// As for a delivery: an erased person could come back.
    #[error("erased addresses cannot be recognised: SECRET_KEY is not the key with which they were stored")]
    UnknownKey,
    #[error("storing the events panicked")]
    Panicked,
}
