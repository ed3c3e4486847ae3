//! What shards poll: the recent entries, and how often their continuity was lost.

use std::sync::Arc;

use shared::feed::{Cursor, ReceivedBatch};

use crate::feed::entry::FeedEntry;
use crate::feed::recent::Recent;

/// The most entries that one poll returns.
const POLL_LIMIT: usize = 256;

/// The result of a poll.
pub enum Poll {
    /// The next entries; empty when there is nothing new.
    Entries(Vec<Arc<FeedEntry>>),
    /// Entries may be missing.
    Reset {
        /// The cursor to continue from.
        at: Cursor,
        reason: &'static str,
        /// To be passed to the next poll.
        resets: u64,
    },
}

/// The recent entries, once the feed was first read, and the resets so far.
#[derive(Default)]
pub struct History {
    recent: Option<Recent>,
    resets: u64,
    last_reason: &'static str,
}

impl History {
    /// The cursor of the newest entry; `None` until the feed was first read.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.recent.as_ref().map(Recent::cursor)
    }

    /// Replaces the recent entries.
    pub fn replace(&mut self, recent: Recent) {
        self.recent = Some(recent);
    }

    /// Counts a reset, which the next poll of each shard returns.
    pub fn count_reset(&mut self, reason: &'static str) {
        self.resets += 1;
        self.last_reason = reason;
    }

    /// Appends the entries of a batch that are new. False when entries before it are missing.
    pub fn offer(&mut self, batch: ReceivedBatch) -> bool {
        self.recent.as_mut().is_some_and(|recent| recent.offer(batch))
    }

    /// The entries after `at`, for a shard that has handled `resets` resets.
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

    /// Up to `limit` entries after `after` and up to `to`; `None` when some entries after `after` are no longer kept.
    pub fn replay(&self, after: &Cursor, to: &Cursor, limit: usize) -> Option<Vec<Arc<FeedEntry>>> {
        let entries = self.recent.as_ref()?.after(after)?;
        Some(entries.take(limit).take_while(|entry| entry.cursor.seq <= to.seq).cloned().collect())
    }
}
