//! Stored verdicts: the events that need one, and changes together with their counts.

use sqlx::postgres::PgConnection;
use time::OffsetDateTime;

/// A stored event that has a verdict, with what is needed to decide on it again.
#[derive(Debug)]
pub(crate) struct JudgedEvent {
    pub(crate) received_at: OffsetDateTime,
    pub(crate) id: i64,
    pub(crate) simulated: bool,
    pub(crate) payload: String,
    pub(crate) payload_frame: Option<Vec<u8>>,
    /// What `payload_values` returns for the row.
    pub(crate) values: Vec<Option<String>>,
    pub(crate) reason_class: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) actor_reason: Option<String>,
}

/// An event's verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredVerdict {
    pub(crate) received_at: OffsetDateTime,
    pub(crate) id: i64,
    pub(crate) reason_class: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) actor_reason: Option<String>,
}

/// The position of the last of up to `limit` events after a position. `None` if there are none that were received before the last ten
/// minutes, in which commits may still end.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn end_of_chunk(
    connection: &mut PgConnection,
    after: (OffsetDateTime, i64),
    limit: i64,
) -> Result<Option<(OffsetDateTime, i64)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select received_at as "received_at!", id as "id!" from (
             select received_at, id from events
             where (received_at, id) > ($1, $2) and received_at < now() - interval '10 minutes'
             order by received_at, id limit $3
           ) as chunk order by received_at desc, id desc limit 1"#,
        after.0,
        after.1,
        limit
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.received_at, row.id)))
}

/// Locks the events between two positions, the second included, on which other rules than `rules` decided.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn lock_outdated(
    connection: &mut PgConnection,
    after: (OffsetDateTime, i64),
    end: (OffsetDateTime, i64),
    rules: i16,
) -> Result<Vec<JudgedEvent>, sqlx::Error> {
    sqlx::query_as!(
        JudgedEvent,
        r#"select received_at as "received_at!", id as "id!", simulated as "simulated!", payload as "payload!", payload_frame,
                  payload_values(events) as "values!: _", reason_class, actor, actor_reason
           from events
           where (received_at, id) > ($1, $2) and (received_at, id) <= ($3, $4) and verdict_rules is distinct from $5
             and kind in ('open', 'click', 'hard_bounce', 'soft_bounce', 'deferral', 'reject')
           order by received_at, id for update"#,
        after.0,
        after.1,
        end.0,
        end.1,
        rules
    )
    .fetch_all(connection)
    .await
}

/// Stores verdicts decided by `rules`, and moves the events' counts where a class or an actor differs. Returns how many differ.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn change(connection: &mut PgConnection, verdicts: &[StoredVerdict], rules: i16) -> Result<i64, sqlx::Error> {
    let received: Vec<OffsetDateTime> = verdicts.iter().map(|verdict| verdict.received_at).collect();
    let ids: Vec<i64> = verdicts.iter().map(|verdict| verdict.id).collect();
    let texts = |field: fn(&StoredVerdict) -> Option<&str>| verdicts.iter().map(field).collect::<Vec<_>>();
    sqlx::query_scalar!(
        r#"with wanted as (
             select * from unnest($1::timestamptz[], $2::bigint[], $3::text[], $4::text[], $5::text[])
               as t (received_at, id, reason_class, actor, actor_reason)
           ), before as (
             select events.received_at, events.id, occurred_at, kind, simulated, webhook, events.reason_class, events.actor
             from events join wanted using (received_at, id)
             where (events.reason_class, events.actor) is distinct from (wanted.reason_class, wanted.actor)
           ), changed as (
             update events set reason_class = wanted.reason_class, actor = wanted.actor, actor_reason = wanted.actor_reason,
                               verdict_rules = $6
             from wanted where events.received_at = wanted.received_at and events.id = wanted.id
           ), moved as (
             insert into event_tally_deltas (at, occurred, webhook, simulated, kind, outcome, reason_class, actor, count)
             select received_at, quarter_hour(occurred_at), coalesce(webhook, ''), simulated, kind, 'stored',
                    coalesce(reason_class, ''), coalesce(actor, ''), sum(sign)
             from (
               select received_at, occurred_at, webhook, simulated, kind, reason_class, actor, -1 as sign from before
               union all
               select received_at, occurred_at, webhook, simulated, kind, wanted.reason_class, wanted.actor, 1
               from before join wanted using (received_at, id)
             ) as signed group by 1, 2, 3, 4, 5, 6, 7, 8
           )
           select count(*) as "count!" from before"#,
        &received,
        &ids,
        &texts(|verdict| verdict.reason_class.as_deref()) as &[Option<&str>],
        &texts(|verdict| verdict.actor.as_deref()) as &[Option<&str>],
        &texts(|verdict| verdict.actor_reason.as_deref()) as &[Option<&str>],
        rules
    )
    .fetch_one(connection)
    .await
}

/// An open or click, with the time at which its message was delivered.
#[derive(Debug)]
pub(crate) struct Reaction {
    pub(crate) received_at: OffsetDateTime,
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) occurred_at: OffsetDateTime,
    pub(crate) message_id: String,
    pub(crate) url: Option<String>,
    pub(crate) actor: Option<String>,
    /// `None` if no delivery is known.
    pub(crate) delivered_at: Option<OffsetDateTime>,
    pub(crate) subaccount: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) sender: Option<String>,
}

/// Locks the opens and clicks of the last 24 hours of every message with an event between two times, the second included, whose actor was
/// decided by `rules`.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn lock_reactions(
    connection: &mut PgConnection,
    after: OffsetDateTime,
    until: OffsetDateTime,
    rules: i16,
) -> Result<Vec<Reaction>, sqlx::Error> {
    sqlx::query_as!(
        Reaction,
        r#"with touched as (
             select distinct message_id from events
             where kind in ('delivered', 'open', 'click') and received_at > $1 and received_at <= $2 and message_id is not null
           )
           select received_at as "received_at!", id as "id!", kind as "kind!", occurred_at as "occurred_at!",
                  events.message_id as "message_id!", url, actor,
                  (select min(occurred_at) from events as delivered
                   where delivered.message_id = events.message_id and delivered.kind = 'delivered'
                     and delivered.received_at > $2 - interval '2 days') as delivered_at,
                  subaccount, tags as "tags!", sender
           from events join touched on touched.message_id = events.message_id
           where kind in ('open', 'click') and received_at > $2 - interval '24 hours' and verdict_rules = $3
           order by received_at, id for update of events"#,
        after,
        until,
        rules
    )
    .fetch_all(connection)
    .await
}

/// Locks all opens and clicks of these messages whose actor was decided by `rules`.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn lock_reactions_of(
    connection: &mut PgConnection,
    messages: &[&str],
    rules: i16,
) -> Result<Vec<Reaction>, sqlx::Error> {
    sqlx::query_as!(
        Reaction,
        r#"with of_messages as materialized (
             select found.* from unnest($1::text[]) as asked (message)
             cross join lateral (
               -- With `offset`, Postgres looks at no other condition. Without statistics, which a new partition lacks, it would read the
               -- index by kind instead.
               select received_at, id, message_id, kind, occurred_at from events where message_id = asked.message offset 0
             ) as found
             where kind in ('delivered', 'open', 'click')
           ), delivered as (
             select message_id, min(occurred_at) as delivered_at from of_messages where kind = 'delivered' group by message_id
           )
           select reaction.received_at as "received_at!", reaction.id as "id!", reaction.kind as "kind!",
                  reaction.occurred_at as "occurred_at!", reaction.message_id as "message_id!", url, actor,
                  delivered_at as "delivered_at?", subaccount, tags as "tags!", sender
           from (
             select * from of_messages where kind in ('open', 'click') order by received_at, id
           ) as asked
           cross join lateral (
             select events.* from events where received_at = asked.received_at and id = asked.id and verdict_rules = $2 for update
           ) as reaction
           left join delivered on delivered.message_id = reaction.message_id"#,
        messages as &[&str],
        rules
    )
    .fetch_all(connection)
    .await
}

/// The time up to which at most about `limit` opens, clicks and deliveries were received after `after`, and before the last 40 seconds, in
/// which commits may still end. `None` if there are none.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn end_of_reactions(
    connection: &mut PgConnection,
    after: OffsetDateTime,
    limit: i64,
) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    sqlx::query_scalar!(
        "select max(received_at) from (
           select received_at from events
           where kind in ('delivered', 'open', 'click') and received_at > $1 and received_at < now() - interval '40 seconds'
           order by received_at limit $2
         ) as chunk",
        after,
        limit
    )
    .fetch_one(connection)
    .await
}
