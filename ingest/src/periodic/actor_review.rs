//! Decides again on opens and clicks once the time of delivery is known. Each verdict changes at most once, within a day.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use shared::event::{Actor, ActorReason};
use shared::feed::{ChangedVerdict, FeedItem};
use shared::visibility::Labels;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, PgPool};
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::store::verdicts::{Reaction, StoredVerdict};
use crate::store::{background_jobs, outbox, verdicts};
use crate::verdict;
use crate::verdict::actor::{ActorVerdict, LINK_BURST, MIN_BURST_LINKS, judge_after_delivery};

/// The job's name in `background_jobs`.
const NAME: &str = "actor_review";
const INTERVAL: Duration = Duration::from_secs(10);
/// Number of events considered per transaction.
const CHUNK_EVENTS: i64 = 2_000;

/// Reviews new events every ten seconds until `stop`. Wakes the publisher after a change.
pub(crate) async fn run(pool: PgPool, outbox_filled: Arc<Notify>, stop: CancellationToken) {
    loop {
        match review_new(&pool, &stop).await {
            Ok(0) => {}
            Ok(_) => outbox_filled.notify_one(),
            Err(error) => tracing::debug!(%error, "opens and clicks could not be reviewed; it will be retried"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

/// Reviews the opens and clicks of messages whose events were filed in the past.
///
/// # Errors
/// When Postgres fails. Nothing is changed in that case.
pub(crate) async fn review_messages(pool: &PgPool, messages: &[&str]) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let reactions = verdicts::lock_reactions_of(&mut transaction, messages, verdict::RULES).await?;
    verdicts::change(&mut transaction, &changed_verdicts(&reactions), verdict::RULES).await?;
    transaction.commit().await
}

/// Reviews all events received since the last review. Returns the number of changed verdicts.
async fn review_new(pool: &PgPool, stop: &CancellationToken) -> Result<i64, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    if !background_jobs::try_lock(&mut connection, NAME).await? {
        return Ok(0);
    }
    let outcome = review_chunks(&mut connection, stop).await;
    background_jobs::unlock(&mut connection, NAME).await?;
    outcome
}

async fn review_chunks(connection: &mut PgConnection, stop: &CancellationToken) -> Result<i64, sqlx::Error> {
    let stored = background_jobs::start(connection, NAME, i32::from(verdict::RULES)).await?;
    let parse = |position: String| OffsetDateTime::from_unix_timestamp_nanos(position.parse::<i128>().ok()? * 1_000).ok();
    let mut after = stored.position.and_then(parse).unwrap_or_else(|| OffsetDateTime::now_utc() - time::Duration::DAY);
    let mut total = 0;
    while !stop.is_cancelled() {
        let mut transaction = connection.begin().await?;
        let Some(until) = verdicts::end_of_reactions(&mut transaction, after, CHUNK_EVENTS).await? else { break };
        let reactions = verdicts::lock_reactions(&mut transaction, after, until, verdict::RULES).await?;
        let changes = changed_verdicts(&reactions);
        verdicts::change(&mut transaction, &changes, verdict::RULES).await?;
        let labels: HashMap<i64, Labels> = reactions.into_iter().map(|reaction| (reaction.id, labels_of(reaction))).collect();
        for change in &changes {
            let changed = ChangedVerdict {
                id: change.id,
                actor: change.actor.clone().unwrap_or_default(),
                reason: change.actor_reason.clone().unwrap_or_default(),
                labels: labels.get(&change.id).cloned(),
            };
            outbox::announce_item(&mut transaction, &FeedItem { changed: Some(changed), ..FeedItem::default() }).await?;
        }
        let changed = i64::try_from(changes.len()).unwrap_or(i64::MAX);
        let position = (until.unix_timestamp_nanos() / 1_000).to_string();
        background_jobs::advance(&mut *transaction, NAME, Some(&position), changed).await?;
        transaction.commit().await?;
        (after, total) = (until, total + changed);
    }
    background_jobs::pause(connection, NAME).await?;
    Ok(total)
}

fn labels_of(Reaction { kind, subaccount, tags, sender, .. }: Reaction) -> Labels {
    Labels { kind, subaccount, tags, sender }
}

/// The verdicts that the known deliveries and clicks change: only persons become machines.
fn changed_verdicts(reactions: &[Reaction]) -> Vec<StoredVerdict> {
    let mut clicks: HashMap<&str, Vec<&Reaction>> = HashMap::new();
    for click in reactions.iter().filter(|reaction| reaction.kind == "click") {
        clicks.entry(&click.message_id).or_default().push(click);
    }
    let is_person = |reaction: &&Reaction| {
        let actor = reaction.actor.as_deref().and_then(|actor| actor.parse::<Actor>().ok());
        actor.is_some_and(Actor::is_person)
    };
    let changed = reactions.iter().filter(is_person).filter_map(|reaction| {
        let of_message = clicks.get(reaction.message_id.as_str()).map_or(&[][..], Vec::as_slice);
        let (actor, reason) = verdict_of(reaction, of_message)?;
        Some(StoredVerdict {
            received_at: reaction.received_at,
            id: reaction.id,
            reason_class: None,
            actor: Some(actor.code().to_owned()),
            actor_reason: Some(reason.code().to_owned()),
        })
    });
    changed.collect()
}

fn verdict_of(reaction: &Reaction, clicks: &[&Reaction]) -> Option<ActorVerdict> {
    let by_delivery = reaction.delivered_at.and_then(|at| judge_after_delivery(&reaction.kind, reaction.occurred_at, at));
    by_delivery.or_else(|| {
        let is_near = |click: &&&Reaction| (click.occurred_at - reaction.occurred_at).abs() <= LINK_BURST;
        let links: HashSet<&str> = clicks.iter().filter(is_near).filter_map(|click| click.url.as_deref()).collect();
        let is_burst = reaction.kind == "click" && links.len() >= MIN_BURST_LINKS;
        is_burst.then_some((Actor::Scanner, ActorReason::ManyLinksAtOnce))
    })
}
