//! Notices that the database was restored to an earlier state. The history of the feed then contains events that no longer exist, whose numbers
//! new events get.

use std::time::{Duration, Instant};

use shared::feed::{self, RefetchReason};
use sqlx::PgPool;

use super::error::PublishError;
use super::feed_writer::FeedWriter;
use crate::store::feed_position;

const INTERVAL: Duration = Duration::from_secs(1);

/// Compares the database with what the feed knows of it.
#[derive(Debug, Default)]
pub(super) struct RestoreCheck {
    checked: Option<Instant>,
}

impl RestoreCheck {
    /// Checks at most once a second. If the database was restored, empties the history of the feed and asks clients to fetch again.
    pub(super) async fn run(&mut self, pool: &PgPool, feed: &mut FeedWriter) -> Result<(), PublishError> {
        if self.checked.is_some_and(|checked| checked.elapsed() < INTERVAL) {
            return Ok(());
        }
        // In this order: whatever was noted before cannot be ahead of what the database says now.
        let noted = feed::noted_position(feed.connect().await?).await?;
        let now = feed_position::current(pool).await?;
        if noted.as_ref().is_some_and(|noted| noted.history != now.history || noted.last_event > now.last_event) {
            tracing::warn!("the database was restored to an earlier state, or another server took over; all pages fetch again");
            feed.forget(RefetchReason::Restored).await?;
        }
        if noted.as_ref() != Some(&now) {
            feed::note_position(feed.connect().await?, &now).await?;
        }
        self.checked = Some(Instant::now());
        Ok(())
    }
}
