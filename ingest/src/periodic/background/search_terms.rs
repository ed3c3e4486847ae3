//! Adds search terms to events that lack them.

use sqlx::Connection;
use sqlx::postgres::PgConnection;
use time::OffsetDateTime;

use super::step::Step;
use crate::store::background_jobs;

/// Number of events updated per step. Small enough that row locks are held only briefly.
const CHUNK_ROWS: i64 = 1_000;

/// Updates the next events after `position`, in the order of the index on events without terms.
///
/// # Errors
/// When Postgres fails; in that case nothing is changed.
pub(super) async fn step(connection: &mut PgConnection, name: &str, position: Option<&str>) -> Result<Step, sqlx::Error> {
    let (received_at, id) = position.and_then(parse).unwrap_or((OffsetDateTime::UNIX_EPOCH, 0));
    let mut transaction = connection.begin().await?;
    let chunk = sqlx::query!(
        r#"with without as (
             select received_at, id from events where terms is null and (received_at, id) > ($1, $2)
             order by received_at, id limit $3 for update skip locked
           ), changed as (
             update events set terms = event_terms(search, template, subaccount, url, ip)
             from without where events.received_at = without.received_at and events.id = without.id
             returning events.received_at, events.id
           )
           select received_at as "received_at!", id as "id!", count(*) over () as "count!"
           from changed order by received_at desc, id desc limit 1"#,
        received_at,
        id,
        CHUNK_ROWS
    );
    let Some(last) = chunk.fetch_optional(&mut *transaction).await? else {
        return Ok(Step::Done);
    };
    let position = format!("{}-{}", last.received_at.unix_timestamp_nanos() / 1_000, last.id);
    background_jobs::advance(&mut *transaction, name, Some(&position), last.count).await?;
    transaction.commit().await?;
    Ok(Step::Continue(Some(position)))
}

/// Parses a position, `MICROSECONDS-ID`, which identifies the last updated event.
fn parse(position: &str) -> Option<(OffsetDateTime, i64)> {
    let (micros, id) = position.split_once('-')?;
    let nanos = micros.parse::<i128>().ok()?.checked_mul(1_000)?;
    Some((OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?, id.parse().ok()?))
}
