//! Replaces the hourly counts of the version before by counts per quarter of an hour, where the events are still stored.

use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::position;
use super::step::Step;
use crate::store::{background_jobs, tallies};

/// Recounts the next hour after `position`.
///
/// # Errors
/// When Postgres fails; in that case nothing is changed.
pub(super) async fn step(connection: &mut PgConnection, name: &str, position: Option<&str>) -> Result<Step, sqlx::Error> {
    let (after, _) = position::parse(position);
    let mut transaction = connection.begin().await?;
    if !tallies::try_lock(&mut transaction).await? {
        return Ok(Step::Continue(position.map(str::to_owned)));
    }
    // Later runs begin again, because replicas of the version before may have counted meanwhile.
    let Some(hour) = tallies::next_hourly(&mut transaction, after).await? else { return Ok(Step::Done(None)) };
    tallies::recount_hour(&mut transaction, hour).await?;
    let position = position::format((hour, 0));
    background_jobs::advance(&mut *transaction, name, Some(&position), 1).await?;
    transaction.commit().await?;
    Ok(Step::Continue(Some(position)))
}
