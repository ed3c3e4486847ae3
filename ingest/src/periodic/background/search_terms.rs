//! Adds search terms to events that lack them.

use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::position;
use super::step::Step;
use crate::store::background_jobs;

/// Number of events updated per step. Small enough that row locks are held only briefly.
const CHUNK_ROWS: i64 = 1_000;

/// Updates the next events after `position`, in the order of the index on events without terms.
///
/// # Errors
/// When Postgres fails; in that case nothing is changed.
pub(super) async fn step(connection: &mut PgConnection, name: &str, position: Option<&str>) -> Result<Step, sqlx::Error> {
    let (received_at, id) = position::parse(position);
    let mut transaction = connection.begin().await?;
    let chunk = sqlx::query!(
        r#"with without as (
             select received_at, id from events where terms is null and (received_at, id) > ($1, $2)
             order by received_at, id limit $3 for update
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
        // A later run starts from the beginning, because a replica of an older version may have stored more meanwhile.
        return Ok(Step::Done(None));
    };
    let position = position::format((last.received_at, last.id));
    background_jobs::advance(&mut *transaction, name, Some(&position), last.count).await?;
    transaction.commit().await?;
    Ok(Step::Continue(Some(position)))
}
