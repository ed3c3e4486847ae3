//! A few events in one statement, which is its own transaction: keys, events, notifications, outbox and counts.
//!
//! A small commit is mostly round trips; this is one. For many events the steps of [`super::commit`] are cheaper, since COPY is.

use sqlx::postgres::PgConnection;
use time::OffsetDateTime;

use crate::outbox::handoff::Told;
use crate::store::commit::{Candidate, Inserted};
use crate::store::copy::Row;
use crate::webhook::event::{NewEvent, Text};

/// Stores the candidates, which come in the order of their digests, each once over all transactions. Text arrays are the
/// cheapest way in; what is not text is cast by Postgres.
///
/// # Errors
/// When Postgres is away or refuses an event; then nothing is stored.
pub(crate) async fn insert<'a>(connection: &mut PgConnection, candidates: &[Candidate<'a>]) -> Result<Inserted<'a>, sqlx::Error> {
    let column = |field: for<'e> fn(&'e NewEvent<'_>) -> &'e Option<Text<'e>>| -> Vec<Option<&str>> {
        candidates.iter().map(|candidate| field(candidate.event).as_deref()).collect()
    };
    let digests: Vec<&[u8]> = candidates.iter().map(|candidate| &candidate.digest[..]).collect();
    let places: Vec<i64> = candidates.iter().map(|candidate| i64::try_from(candidate.place).unwrap_or(i64::MAX)).collect();
    let occurred: Vec<Option<OffsetDateTime>> = candidates.iter().map(|candidate| candidate.event.occurred_at).collect();
    let kinds: Vec<&str> = candidates.iter().map(|candidate| &*candidate.event.kind).collect();
    let tags: Vec<String> = candidates.iter().map(|candidate| array_literal(&candidate.event.tags)).collect();
    let metadata: Vec<Option<&str>> =
        candidates.iter().map(|candidate| Some(candidate.event.metadata.as_ref()?.text())).collect();
    let simulated: Vec<bool> = candidates.iter().map(|candidate| candidate.source.is_simulation()).collect();
    let labels: Vec<Option<&str>> = candidates.iter().map(|candidate| candidate.source.label()).collect();
    let searches: Vec<&str> = candidates.iter().map(|candidate| candidate.event.search.as_str()).collect();
    // One after the other: those of an event lie between two ends.
    let (mut terms, mut ends) = (Vec::new(), vec![0]);
    for candidate in candidates {
        terms.extend(candidate.event.terms());
        ends.push(i32::try_from(terms.len()).unwrap_or(i32::MAX));
    }
    let payloads: Vec<&str> = candidates.iter().map(|candidate| candidate.event.payload).collect();
    let tellings = || candidates.iter().map(|candidate| candidate.event.telling.as_ref());
    let notified: Vec<Option<&str>> = tellings().map(|telling| Some(telling?.kind)).collect();
    let titles: Vec<Option<&str>> = tellings().map(|telling| Some(telling?.title.as_str())).collect();
    let bodies: Vec<Option<&str>> = tellings().map(|telling| Some(telling?.body.as_str())).collect();
    let audiences: Vec<Option<String>> = tellings().map(|telling| Some(telling?.audience.to_string())).collect();
    let stored = sqlx::query!(
        r#"with input as (
             select i, ($1::bytea[])[i] as digest from generate_series(1, cardinality($1::bytea[])) as i
           ), won as (
             insert into event_keys (digest) select digest from input on conflict do nothing returning digest
           ), fresh as (
             select nextval('events_id_seq') as id, ordered.*
             from (select i, digest, coalesce(($3::timestamptz[])[i], now()) as occurred_at
                   from input join won using (digest)
                   order by occurred_at, ($2::bigint[])[i]) as ordered
           ), stored as (
             insert into events (
               id, occurred_at, kind, message_id, recipient, sender, subject, tags, metadata, template, subaccount,
               url, ip, user_agent, country, city, diagnostic, simulated, webhook, search, payload, terms
             )
             select id, occurred_at, ($4::text[])[i], ($5::text[])[i], ($6::text[])[i], ($7::text[])[i], ($8::text[])[i],
                    ($9::text[])[i]::text[], ($10::text[])[i]::jsonb, ($11::text[])[i], ($12::text[])[i], ($13::text[])[i],
                    ($14::text[])[i], ($15::text[])[i], ($16::text[])[i], ($17::text[])[i], ($18::text[])[i],
                    ($19::boolean[])[i], ($20::text[])[i], ($21::text[])[i], ($22::text[])[i],
                    ($27::integer[])[($28::integer[])[i] + 1 : ($28::integer[])[i + 1]]
             from fresh
           ), told as (
             insert into notifications (kind, title, body, event_id, message_id, recipient, audience)
             select ($25::text[])[i], ($23::text[])[i], ($24::text[])[i], id, ($5::text[])[i], ($6::text[])[i], ($26::text[])[i]
             from fresh where ($25::text[])[i] is not null order by id
             returning id, event_id
           ), queued as (
             insert into outbox (event_received_at, event_id, last_event_id, notification_id, last_notification_id, items)
             select now(), min(id), max(id), (select min(id) from told), (select max(id) from told), count(*)
             from fresh having count(*) > 0
             returning id
           ), counted as (
             insert into event_count_deltas (webhook, simulated, kind, outcome, count)
             select coalesce(($20::text[])[i], ''), ($19::boolean[])[i], ($4::text[])[i],
                    case when won.digest is null then 'duplicate' else 'stored' end, count(*)
             from input left join won using (digest) group by 1, 2, 3, 4
           )
           select array_agg(i order by id) as places, array_agg(id order by id) as ids, now() as "at!",
                  (select id from queued) as outbox_id,
                  (select array_agg(id order by id) from told) as notifications,
                  (select array_agg(event_id order by id) from told) as "events: Vec<i64>"
           from fresh"#,
        &digests as &[&[u8]],
        &places,
        &occurred as &[Option<OffsetDateTime>],
        &kinds as &[&str],
        &column(|event| &event.message_id) as &[Option<&str>],
        &column(|event| &event.recipient) as &[Option<&str>],
        &column(|event| &event.sender) as &[Option<&str>],
        &column(|event| &event.subject) as &[Option<&str>],
        &tags,
        &metadata as &[Option<&str>],
        &column(|event| &event.template) as &[Option<&str>],
        &column(|event| &event.subaccount) as &[Option<&str>],
        &column(|event| &event.url) as &[Option<&str>],
        &column(|event| &event.ip) as &[Option<&str>],
        &column(|event| &event.user_agent) as &[Option<&str>],
        &column(|event| &event.country) as &[Option<&str>],
        &column(|event| &event.city) as &[Option<&str>],
        &column(|event| &event.diagnostic) as &[Option<&str>],
        &simulated,
        &labels as &[Option<&str>],
        &searches as &[&str],
        &payloads as &[&str],
        &titles as &[Option<&str>],
        &bodies as &[Option<&str>],
        &notified as &[Option<&str>],
        &audiences as &[Option<String>],
        &terms,
        &ends,
    )
    .fetch_one(connection)
    .await?;
    let mut inserted = Inserted::default();
    for (place, id) in stored.places.into_iter().flatten().zip(stored.ids.into_iter().flatten()) {
        let winner = usize::try_from(place - 1).ok().and_then(|place| candidates.get(place));
        inserted.rows.extend(winner.map(|&Candidate { batch, event, source, .. }| Row { batch, id, event, source }));
    }
    inserted.told = stored.outbox_id.map(|outbox_id| Told::new(outbox_id, stored.at, stored.events, stored.notifications));
    Ok(inserted)
}

/// `{"a","b"}`: arrays within arrays cannot be bound, so each event's tags travel as text.
fn array_literal(items: &[Text<'_>]) -> String {
    let mut text = String::from("{");
    for (place, item) in items.iter().enumerate() {
        text.push_str(if place == 0 { "\"" } else { ",\"" });
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
