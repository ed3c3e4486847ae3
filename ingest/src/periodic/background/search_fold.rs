//! Folds the searchable texts of events again that were stored by version 0.2.0.

use shared::event::refold;
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::position;
use super::step::Step;
use crate::store::{background_jobs, search_texts, upgrade_moments, verdicts};

/// Number of events per step. Small enough that row locks are held only briefly.
const CHUNK_EVENTS: i64 = 1_000;

/// Folds the texts of the next events after `position`.
///
/// # Errors
/// When Postgres fails; in that case nothing is changed.
pub(super) async fn step(connection: &mut PgConnection, name: &str, position: Option<&str>) -> Result<Step, sqlx::Error> {
    let after = position::parse(position);
    let mut transaction = connection.begin().await?;
    let end = verdicts::end_of_chunk(&mut transaction, after, CHUNK_EVENTS).await?;
    // From this moment on, every replica folds in the present way.
    let last = upgrade_moments::sync_senders_from(&mut *transaction).await?;
    let Some(end) = end.filter(|_| after.0 < last) else { return Ok(Step::Done(Some(position::format(after)))) };
    let texts = search_texts::lock_between(&mut transaction, after, end).await?;
    let changed = texts.into_iter().filter_map(|mut text| {
        let folded = refold(&text.search);
        let has_changed = folded != text.search;
        text.search = folded;
        has_changed.then_some(text)
    });
    let changed = search_texts::replace(&mut transaction, changed.collect()).await?;
    let position = position::format(end);
    background_jobs::advance(&mut *transaction, name, Some(&position), changed).await?;
    transaction.commit().await?;
    Ok(Step::Continue(Some(position)))
}
