//! The data that shards poll: the recent entries, and the number of times continuity was lost.

use std::sync::Arc;

use shared::feed::{Cursor, ReceivedBatch};

use crate::feed::entry::FeedEntry;
use crate::feed::recent::Recent;

/// The maximum number of entries that one poll returns.
const POLL_LIMIT: usize = 256;

/// The result of a poll.
pub enum Poll {
    /// The next entries; empty if there is nothing new.
    Entries(Vec<Arc<FeedEntry>>),
    /// Entries may be missing.
    Reset {
        /// The cursor to continue from.
        at: Cursor,
        reason: &'static str,
        /// The value to pass to the next poll.
        resets: u64,
    },
}

/// The recent entries, available after the feed is first read, and the number of resets so far.
#[derive(Default)]
pub struct History {
    recent: Option<Recent>,
    resets: u64,
    last_reason: &'static str,
}

impl History {
    /// The cursor of the newest entry; `None` until the feed has been read for the first time.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.recent.as_ref().map(Recent::cursor)
    }

    /// Replaces the recent entries.
    pub fn replace(&mut self, recent: Recent) {
        self.recent = Some(recent);
    }

    /// Empties the recent entries; the next one follows `cursor`.
    pub fn restart(&mut self, cursor: Cursor) {
        self.recent = self.recent.take().map(|recent| recent.emptied(cursor));
    }

    /// Records a reset; each shard sees it on its next poll.
    pub fn count_reset(&mut self, reason: &'static str) {
        self.resets += 1;
        self.last_reason = reason;
    }

    /// Appends the new entries of a batch. Returns false if entries before the batch are missing.
    pub fn offer(&mut self, batch: ReceivedBatch) -> bool {
        self.recent.as_mut().is_some_and(|recent| recent.offer(batch))
    }

    /// Returns the entries after `at`, for a shard that has handled `resets` resets.
    pub fn poll(&self, at: &Cursor, resets: u64) -> Poll {
        let Some(recent) = &self.recent else { return Poll::Entries(Vec::new()) };
        let entries = recent.after(at);
        if self.resets != resets {
            let at = if entries.is_some() { at.clone() } else { recent.start() };
            return Poll::Reset { at, reason: self.last_reason, resets: self.resets };
        }
        match entries {
            Some(entries) => Poll::Entries(entries.take(POLL_LIMIT).cloned().collect()),
            None => Poll::Reset { at: recent.cursor().clone(), reason: "overrun", resets },
        }
    }

    /// Returns up to `limit` entries after `after`, up to and including `to`; `None` if some entries after `after` are no longer kept.
    pub fn replay(&self, after: &Cursor, to: &Cursor, limit: usize) -> Option<Vec<Arc<FeedEntry>>> {
        let entries = self.recent.as_ref()?.after(after)?;
        Some(entries.take(limit).take_while(|entry| entry.cursor.seq <= to.seq).cloned().collect())
    }
}
