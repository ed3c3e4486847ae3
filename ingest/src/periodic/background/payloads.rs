//! Compresses payloads that were stored as they are, by a version before compression or while one still ran.

use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::position;
use super::step::Step;
use crate::payload::row_values::RowValues;
use crate::store::{background_jobs, dictionaries, plain_payloads, upgrade_moments, verdicts};

/// Number of events per step. Small enough that row locks are held only briefly.
const CHUNK_EVENTS: i64 = 500;
/// How long after the moment from which payloads are compressed some are still stored as they are.
const MARGIN: Duration = Duration::from_secs(10 * 60);
/// Longer payloads stay as they are: 500 of this size are 64 MiB.
const MAX_BYTES: i32 = 128 << 10;

/// Compresses the payloads of the next events after `position`.
///
/// # Errors
/// When Postgres fails; in that case nothing is changed.
pub(super) async fn step(connection: &mut PgConnection, name: &str, position: Option<&str>) -> Result<Step, sqlx::Error> {
    let after = position::parse(position);
    let mut transaction = connection.begin().await?;
    // Whatever is stored later is compressed already, but for what a clock that is wrong or an older version stores.
    let until = upgrade_moments::compressed_payloads_from(&mut *transaction).await? + MARGIN;
    let end = verdicts::end_of_chunk(&mut transaction, after, CHUNK_EVENTS).await?;
    let Some(end) = end.filter(|_| after.0 < until) else {
        return Ok(Step::Done(Some(position::format(after))));
    };
    let codec = dictionaries::codec(&mut transaction).await?;
    if !codec.compresses() {
        return Ok(Step::Done(Some(position::format(after))));
    }
    let (mut received, mut ids, mut frames) = (Vec::new(), Vec::new(), Vec::new());
    for event in plain_payloads::lock_plain(&mut transaction, after, end, MAX_BYTES).await? {
        if let Some(frame) = codec.compress(&event.payload, RowValues::from_database(&event.values)) {
            received.push(event.received_at);
            ids.push(event.id);
            frames.push(frame);
        }
    }
    let changed = plain_payloads::replace(&mut transaction, &received, &ids, &frames).await?;
    let position = position::format(end);
    background_jobs::advance(&mut *transaction, name, Some(&position), changed).await?;
    transaction.commit().await?;
    Ok(Step::Continue(Some(position)))
}
