//! Decides again on events on which older rules decided, or none because an older version stored them.

use shared::event::ActorReason;
use shared::feed::{FeedItem, RefetchReason};
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::position;
use super::step::Step;
use crate::payload::codec::Codec;
use crate::store::dictionaries::StoredPayload;
use crate::store::verdicts::{JudgedEvent, StoredVerdict};
use crate::store::{background_jobs, dictionaries, outbox, verdicts};
use crate::verdict;
use crate::webhook::event::{NewEvent, ReadOptions};

/// Number of events per step. Small enough that row locks are held only briefly.
const CHUNK_EVENTS: i64 = 1_000;
/// The end of a position if clients have to fetch again once the job is finished.
const UNANNOUNCED: char = '+';

/// Decides on the next events after `position`. After the last one, clients fetch again if a verdict has changed.
///
/// # Errors
/// When Postgres fails; in that case nothing is changed.
pub(super) async fn step(connection: &mut PgConnection, name: &str, position: Option<&str>) -> Result<Step, sqlx::Error> {
    let is_unannounced = position.is_some_and(|position| position.ends_with(UNANNOUNCED));
    let after = position::parse(position.map(|position| position.trim_end_matches(UNANNOUNCED)));
    let mut transaction = connection.begin().await?;
    let Some(end) = verdicts::end_of_chunk(&mut transaction, after, CHUNK_EVENTS).await? else {
        if is_unannounced {
            let refetch = FeedItem { refetch: Some(RefetchReason::Verdicts), ..FeedItem::default() };
            outbox::announce_item(&mut transaction, &refetch).await?;
            transaction.commit().await?;
        }
        return Ok(Step::Done(Some(position::format(after))));
    };
    let outdated = verdicts::lock_outdated(&mut transaction, after, end, verdict::RULES).await?;
    let codec = if outdated.is_empty() { Codec::default() } else { dictionaries::codec(&mut transaction).await? };
    let verdicts: Vec<StoredVerdict> = outdated.into_iter().map(|event| decide(event, &codec)).collect();
    let changed = verdicts::change(&mut transaction, &verdicts, verdict::RULES).await?;
    let mut position = position::format(end);
    if is_unannounced || changed > 0 {
        position.push(UNANNOUNCED);
    }
    background_jobs::advance(&mut *transaction, name, Some(&position), changed).await?;
    transaction.commit().await?;
    Ok(Step::Continue(Some(position)))
}

/// The present rules' verdict. An erased event keeps its verdict, and so does one that was changed when the delivery became known.
fn decide(event: JudgedEvent, codec: &Codec) -> StoredVerdict {
    let JudgedEvent { received_at, id, simulated, payload, payload_frame, values, reason_class, actor, actor_reason } = event;
    let stored = StoredVerdict { received_at, id, reason_class, actor, actor_reason };
    let options = ReadOptions { simulated, now: received_at, sync_senders_from: received_at };
    let payload = StoredPayload { payload, payload_frame, values };
    let Ok(payload) = payload.read(codec) else { return stored };
    let Ok(read) = NewEvent::read(&payload, options) else { return stored };
    let is_reviewed = [ActorReason::SoonAfterDelivery, ActorReason::ManyLinksAtOnce]
        .iter()
        .any(|reason| stored.actor_reason.as_deref() == Some(reason.code()));
    let actor = read.actor.filter(|(actor, _)| !(is_reviewed && actor.is_person()));
    StoredVerdict {
        reason_class: read.reason_class.map(|class| class.code().to_owned()),
        actor: actor.map(|(actor, _)| actor.code().to_owned()).or(stored.actor),
        actor_reason: actor.map(|(_, reason)| reason.code().to_owned()).or(stored.actor_reason),
        ..stored
    }
}
