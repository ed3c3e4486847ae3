//! Inserts a few events in a single statement, which is its own transaction: keys, events, notifications, outbox and counts.
//!
//! Most of the cost of a small commit is round trips, and this needs only one. For many events, the steps in [`super::commit`] cost less,
//! because COPY is cheaper.

use shared::event::ReasonClass;
use sqlx::postgres::PgConnection;
use sqlx::types::Uuid;
use time::OffsetDateTime;

use super::inserted::Inserted;
use super::keys::Keys;
use super::outbox::{OutboxRow, announcing};
use super::row::Candidate;
use crate::notify::draft::NotificationDraft;
use crate::webhook::event::{NewEvent, Text};

/// The candidates as arrays, one per column. Text arrays are the cheapest to send; Postgres casts them to the other types.
struct Columns<'a> {
    positions: Vec<i64>,
    occurred_at: Vec<Option<OffsetDateTime>>,
    kinds: Vec<&'a str>,
    tags: Vec<String>,
    metadata: Vec<Option<&'a str>>,
    simulated: Vec<bool>,
    labels: Vec<Option<&'a str>>,
    searches: Vec<&'a str>,
    payloads: Vec<&'a str>,
    frames: Vec<Option<&'a [u8]>>,
    /// The terms of all events, concatenated in event order.
    terms: Vec<i32>,
    /// The end offset of each event's terms. The first value is 0.
    term_ends: Vec<i32>,
    notification_kinds: Vec<Option<&'a str>>,
    titles: Vec<Option<&'a str>>,
    bodies: Vec<Option<&'a str>>,
    audiences: Vec<Option<String>>,
    reason_classes: Vec<Option<&'static str>>,
    actors: Vec<Option<&'static str>>,
    actor_reasons: Vec<Option<&'static str>>,
    verdict_rules: Vec<Option<i16>>,
}

impl<'a> Columns<'a> {
    fn of(candidates: &'a [Candidate<'a>]) -> Self {
        let events = || candidates.iter().map(|candidate| candidate.event);
        let drafts = |field: fn(&NotificationDraft) -> &str| {
            candidates.iter().map(|candidate| candidate.notification.map(field)).collect::<Vec<_>>()
        };
        let (mut terms, mut term_ends) = (Vec::new(), vec![0]);
        for event in events() {
            terms.extend_from_slice(&event.terms);
            term_ends.push(i32::try_from(terms.len()).unwrap_or(i32::MAX));
        }
        Self {
            positions: candidates.iter().map(|candidate| i64::try_from(candidate.position).unwrap_or(i64::MAX)).collect(),
            occurred_at: events().map(|event| event.occurred_at).collect(),
            kinds: events().map(|event| &*event.kind).collect(),
            tags: events().map(|event| array_literal(&event.tags)).collect(),
            metadata: events().map(|event| Some(event.metadata.as_ref()?.text())).collect(),
            simulated: candidates.iter().map(|candidate| candidate.source.is_simulation()).collect(),
            labels: candidates.iter().map(|candidate| candidate.source.label()).collect(),
            searches: events().map(|event| event.search.as_str()).collect(),
            payloads: events().map(NewEvent::plain_payload).collect(),
            frames: events().map(|event| event.frame.as_deref()).collect(),
            terms,
            term_ends,
            notification_kinds: drafts(|draft| draft.kind),
            titles: drafts(|draft| &draft.title),
            bodies: drafts(|draft| &draft.body),
            audiences: candidates.iter().map(|candidate| Some(candidate.notification?.audience.to_string())).collect(),
            reason_classes: events().map(|event| event.reason_class.map(ReasonClass::code)).collect(),
            actors: events().map(|event| event.actor.map(|(actor, _)| actor.code())).collect(),
            actor_reasons: events().map(|event| event.actor.map(|(_, reason)| reason.code())).collect(),
            verdict_rules: events().map(NewEvent::verdict_rules).collect(),
        }
    }
}

/// Stores the candidates, which must be ordered by digest. Each is stored once across all transactions.
///
/// # Errors
/// Returns an error if Postgres is unavailable or rejects an event. Nothing is stored in that case.
pub(super) async fn insert<'a>(connection: &mut PgConnection, candidates: &[Candidate<'a>]) -> Result<Inserted<'a>, sqlx::Error> {
    let text = |field: for<'e> fn(&'e NewEvent<'_>) -> &'e Option<Text<'e>>| -> Vec<Option<&str>> {
        candidates.iter().map(|candidate| field(candidate.event).as_deref()).collect()
    };
    let (columns, keys) = (Columns::of(candidates), Keys::of(candidates));
    let stored = announcing! {
        "with input as (
           select i, ($1::uuid[])[i] as digest from generate_series(1, cardinality($1::uuid[])) as i
         ), won as materialized (
           select digest from claim_keys($1, $34::uuid[], $35::integer[], $5::text[]) as won (digest)
         ), fresh as (
           select nextval('events_id_seq') as id, ordered.*
           from (select i, digest, coalesce(($3::timestamptz[])[i], now()) as occurred_at
                 from input join won using (digest)
                 order by occurred_at, ($2::bigint[])[i]) as ordered
         ), stored as (
           insert into events (
             id, occurred_at, kind, message_id, recipient, sender, subject, tags, metadata, template, subaccount,
             url, ip, user_agent, country, city, diagnostic, simulated, webhook, search, payload, terms,
             reason_class, actor, actor_reason, verdict_rules, payload_frame, digest
           )
           select id, occurred_at, ($4::text[])[i], ($5::text[])[i], ($6::text[])[i], ($7::text[])[i], ($8::text[])[i],
                  ($9::text[])[i]::text[], ($10::text[])[i]::jsonb, ($11::text[])[i], ($12::text[])[i], ($13::text[])[i],
                  ($14::text[])[i], ($15::text[])[i], ($16::text[])[i], ($17::text[])[i], ($18::text[])[i],
                  ($19::boolean[])[i], ($20::text[])[i], ($21::text[])[i], ($22::text[])[i],
                  ($27::integer[])[($28::integer[])[i] + 1 : ($28::integer[])[i + 1]],
                  ($29::text[])[i], ($30::text[])[i], ($31::text[])[i], ($32::smallint[])[i], ($33::bytea[])[i], digest
           from fresh
         ), drafts as (
           select id, ($25::text[])[i] as kind, ($23::text[])[i] as title, ($24::text[])[i] as body,
                  ($5::text[])[i] as message_id, ($6::text[])[i] as recipient, ($26::text[])[i] as audience
           from fresh where ($25::text[])[i] is not null
         ), announced as (
           select now() as received_at, min(id) as first, max(id) as last, count(*)::integer as items
           from fresh having count(*) > 0
         ), counted as (
           insert into event_tally_deltas (webhook, simulated, kind, outcome, occurred, reason_class, actor, count)
           select coalesce(($20::text[])[i], ''), ($19::boolean[])[i], ($4::text[])[i],
                  case when won.digest is null then 'duplicate' else 'stored' end,
                  quarter_hour(case when won.digest is null then now() else coalesce(($3::timestamptz[])[i], now()) end),
                  case when won.digest is null then '' else coalesce(($29::text[])[i], '') end,
                  case when won.digest is null then '' else coalesce(($30::text[])[i], '') end, count(*)
           from input left join won using (digest) group by 1, 2, 3, 4, 5, 6, 7
         )",
        r#" select array_agg(i order by id) as places, array_agg(id order by id) as ids, now() as "at!",
                   (select id from queued) as outbox_id,
                   (select array_agg(id order by id) from notified) as notifications,
                   (select array_agg(event_id order by id) from notified) as "events: Vec<i64>"
            from fresh"#,
        &keys.digests, &columns.positions, &columns.occurred_at as &[Option<OffsetDateTime>],
        &columns.kinds as &[&str],
        &keys.messages as &[Option<&str>], &text(|event| &event.recipient) as &[Option<&str>],
        &text(|event| &event.sender) as &[Option<&str>], &text(|event| &event.subject) as &[Option<&str>],
        &columns.tags, &columns.metadata as &[Option<&str>],
        &text(|event| &event.template) as &[Option<&str>], &text(|event| &event.subaccount) as &[Option<&str>],
        &text(|event| &event.url) as &[Option<&str>], &text(|event| &event.ip) as &[Option<&str>],
        &text(|event| &event.user_agent) as &[Option<&str>], &text(|event| &event.country) as &[Option<&str>],
        &text(|event| &event.city) as &[Option<&str>], &text(|event| &event.diagnostic) as &[Option<&str>],
        &columns.simulated, &columns.labels as &[Option<&str>],
        &columns.searches as &[&str], &columns.payloads as &[&str],
        &columns.titles as &[Option<&str>], &columns.bodies as &[Option<&str>],
        &columns.notification_kinds as &[Option<&str>], &columns.audiences as &[Option<String>],
        &columns.terms, &columns.term_ends,
        &columns.reason_classes as &[Option<&str>], &columns.actors as &[Option<&str>],
        &columns.actor_reasons as &[Option<&str>], &columns.verdict_rules as &[Option<i16>],
        &columns.frames as &[Option<&[u8]>],
        &keys.keys as &[Option<Uuid>], &keys.days as &[Option<i32>],
    };
    let stored = stored.fetch_one(connection).await?;
    let mut inserted = Inserted::default();
    for (place, id) in stored.places.into_iter().flatten().zip(stored.ids.into_iter().flatten()) {
        let winner = usize::try_from(place - 1).ok().and_then(|place| candidates.get(place));
        inserted.rows.extend(winner.map(|winner| winner.with_id(id, stored.at)));
    }
    inserted.outbox = stored.outbox_id.map(|id| OutboxRow::new(id, stored.at, stored.events, stored.notifications));
    Ok(inserted)
}

/// Formats `{"a","b"}`: nested arrays cannot be bound, so each event's tags are sent as text.
fn array_literal(items: &[Text<'_>]) -> String {
    let mut text = String::from("{");
    for (position, item) in items.iter().enumerate() {
        text.push_str(if position == 0 { "\"" } else { ",\"" });
        for letter in item.chars() {
            if matches!(letter, '"' | '\\') {
                text.push('\\');
            }
            text.push(letter);
        }
        text.push('"');
    }
    text + "}"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_quoted_for_postgres() {
        let tags = ["plain", "with \"quotes\"", "back\\slash", "{brace},comma", ""].map(Text::from);
        assert_eq!(array_literal(&tags), r#"{"plain","with \"quotes\"","back\\slash","{brace},comma",""}"#);
        assert_eq!(array_literal(&[]), "{}");
    }
}
