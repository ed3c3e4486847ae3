//! Counts facets again that were counted before bounce texts and names had their present form.

use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::position;
use super::step::Step;
use crate::periodic::facets;
use crate::store::{background_jobs, facets as counts};

/// Recounts the next day after `position`.
///
/// # Errors
/// When Postgres fails; in that case nothing is changed.
pub(super) async fn step(connection: &mut PgConnection, name: &str, position: Option<&str>) -> Result<Step, sqlx::Error> {
    let (after, _) = position::parse(position);
    // Asked before locking, so that a finished job never stands in the way of the counting.
    let Some(day) = facets::next_outdated_day(connection, after).await? else {
        return Ok(Step::Done(position.map(str::to_owned)));
    };
    let mut transaction = connection.begin().await?;
    if !counts::try_lock(&mut transaction).await? {
        return Ok(Step::Continue(position.map(str::to_owned)));
    }
    facets::recount_day(&mut transaction, day).await?;
    let position = position::format((day, 0));
    background_jobs::advance(&mut *transaction, name, Some(&position), 1).await?;
    transaction.commit().await?;
    Ok(Step::Continue(Some(position)))
}
