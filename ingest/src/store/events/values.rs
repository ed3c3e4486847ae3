//! Values of fields that begin with or contain a text, to be suggested while somebody types a filter.

use std::time::Duration;

use serde::Serialize;
use shared::event::fold;
use shared::filter::Filter;
use shared::visibility::Visibility;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::store::events::search;
use crate::store::events::search_plan::{contains_pattern, escape_like};
use crate::store::search_terms;

/// Maximum number of values that are suggested.
pub(crate) const MAX_VALUES: i64 = 20;
/// Events are counted up to this number for an address.
const MAX_COUNT: i64 = 1_000;
/// Values that are not counted yet are looked for in this many of the newest events.
const NEWEST_EVENTS: i64 = 5_000;
/// Links and metadata are looked for in this many of the newest events, because they are not counted.
const SAMPLED_EVENTS: i64 = 2_000;
/// Addresses that contain the text further on are looked for in this many of the newest events that contain it.
const MATCHING_EVENTS: i64 = 300;
/// How long they are looked for.
const SEARCH_TIME: Duration = Duration::from_millis(500);

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompletedValue)]
pub(crate) struct CountedValue {
    value: String,
    /// How many events of the last 35 days have the value, at least. For recipients, at most 1,000. Null if it is not counted.
    count: Option<i64>,
}

impl CountedValue {
    pub(crate) fn new(value: String, count: Option<i64>) -> Self {
        Self { value, count }
    }

    pub(crate) fn value(&self) -> &str {
        &self.value
    }
}

/// The commonest values of a counted field, those that begin with `text` first. `field` is a name in `recent_values`. Events since the last
/// whole hour are counted as far as they are among the newest ones.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn of_counted(pool: &PgPool, field: &str, text: &str) -> Result<Vec<CountedValue>, sqlx::Error> {
    let text = text.to_ascii_lowercase();
    sqlx::query_as!(
        CountedValue,
        r#"with newest as (
             select kind, reason_class, actor, tags, template, subaccount, sender, recipient, received_at from events
             order by received_at desc, id desc limit $4
           ), counted as (
             select value, count from recent_values where field = $1
             union all
             select value, 1 from newest cross join lateral unnest(
               case $1
                 when 'kind' then array[kind]
                 when 'reason_class' then array[reason_class]
                 when 'actor' then array[actor]
                 when 'tag' then tags
                 when 'template' then array[template]
                 when 'subaccount' then array[subaccount]
                 when 'sender' then case when kind <> 'inbound' then array[lower(sender collate "C")] end
                 when 'domain' then case when recipient like '%@_%' then array[lower(split_part(recipient, '@', -1))] end
               end
             ) as value
             where received_at >= (select until from event_facets_until) and value <> ''
           )
           select value as "value!", sum(count)::bigint as count from counted where lower(value collate "C") like $2
           group by 1 order by lower(value collate "C") like $3 desc, 2 desc, 1 limit $5"#,
        field,
        contains_pattern(&text),
        format!("{}%", escape_like(&text)),
        NEWEST_EVENTS,
        MAX_VALUES
    )
    .fetch_all(pool)
    .await
}

/// Addresses of recipients that begin with `text`, and then those that contain it, with the number of their events up to 1,000.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn of_recipients(pool: &PgPool, text: &str) -> Result<Vec<CountedValue>, sqlx::Error> {
    let text = text.to_ascii_lowercase();
    let mut found = if text.is_empty() { Vec::new() } else { recipients_from(pool, &text).await? };
    if found.len() < MAX_VALUES as usize && (text.is_empty() || is_indexed(&text)) {
        let filter = Filter::of_visible([("q", text.as_str())], Visibility::everything()).unwrap_or_default();
        for event in search::search(pool, &filter, None, MATCHING_EVENTS, SEARCH_TIME).await?.events {
            let address = event.recipient.unwrap_or_default().to_ascii_lowercase();
            if found.len() < MAX_VALUES as usize && !address.is_empty() && address.contains(&text) && !found.contains(&address) {
                found.push(address);
            }
        }
    }
    count_recipients(pool, &found).await
}

/// Whether the index can find the text, so that no long scan is needed for a rare one.
fn is_indexed(text: &str) -> bool {
    search_terms::words(&fold(text)).next().is_some()
}

/// The addresses of recipients that begin with `text`, which is in lower case.
async fn recipients_from(pool: &PgPool, text: &str) -> Result<Vec<String>, sqlx::Error> {
    // A range rather than a pattern, so that Postgres can use the index whatever plan it caches. Each step leaps to the next address, however many
    // events the one before has.
    sqlx::query_scalar!(
        r#"with recursive addresses as (
             (select lower(recipient collate "C") as address, 1::bigint as place from events
              where lower(recipient collate "C") >= $1 and lower(recipient collate "C") < $2 order by 1 limit 1)
             union all
             select (select lower(recipient collate "C") from events
                     where lower(recipient collate "C") > address and lower(recipient collate "C") < $2 order by 1 limit 1), place + 1
             from addresses where address is not null and place < $3
           )
           select address as "address!" from addresses where address is not null order by 1"#,
        text,
        format!("{text}{}", char::MAX),
        MAX_VALUES
    )
    .fetch_all(pool)
    .await
}

async fn count_recipients(pool: &PgPool, addresses: &[String]) -> Result<Vec<CountedValue>, sqlx::Error> {
    sqlx::query_as!(
        CountedValue,
        r#"select address as "value!", (
             select count(*) from (
               select from events
               where lower(recipient collate "C") = address and received_at >= now() - interval '35 days' limit $2
             ) as counted
           ) as count
           from unnest($1::text[]) with ordinality as asked (address, place) order by place"#,
        addresses,
        MAX_COUNT
    )
    .fetch_all(pool)
    .await
}

/// Links that were clicked recently and contain `text`, the most clicked first.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn of_links(pool: &PgPool, text: &str) -> Result<Vec<CountedValue>, sqlx::Error> {
    sqlx::query_as!(
        CountedValue,
        r#"select url as "value!", null::bigint as count from (
             select url from events where kind = 'click' order by received_at desc, id desc limit $1
           ) as sampled
           where lower(url collate "C") like $2 group by 1 order by count(*) desc, 1 limit $3"#,
        SAMPLED_EVENTS,
        contains_pattern(&text.to_ascii_lowercase()),
        MAX_VALUES
    )
    .fetch_all(pool)
    .await
}

/// Metadata keys of recent events that contain `text`, the commonest first.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn of_metadata_keys(pool: &PgPool, text: &str) -> Result<Vec<CountedValue>, sqlx::Error> {
    sqlx::query_as!(
        CountedValue,
        r#"select key as "value!", null::bigint as count from (
             select metadata from events order by received_at desc, id desc limit $1
           ) as sampled cross join lateral jsonb_object_keys(metadata) as key
           where jsonb_typeof(metadata) = 'object' and lower(key collate "C") like $2 group by 1 order by count(*) desc, 1 limit $3"#,
        SAMPLED_EVENTS,
        contains_pattern(&text.to_ascii_lowercase()),
        MAX_VALUES
    )
    .fetch_all(pool)
    .await
}

/// Values that recent events have for a metadata key and that contain `text`, the commonest first. Arrays and objects are left out.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn of_metadata(pool: &PgPool, key: &str, text: &str) -> Result<Vec<CountedValue>, sqlx::Error> {
    sqlx::query_as!(
        CountedValue,
        r#"select value as "value!", null::bigint as count from (
             select metadata ->> $4 as value, jsonb_typeof(metadata -> $4) as type from (
               select metadata from events order by received_at desc, id desc limit $1
             ) as sampled
           ) as values
           where type not in ('array', 'object', 'null') and lower(value collate "C") like $2
           group by 1 order by count(*) desc, 1 limit $3"#,
        SAMPLED_EVENTS,
        contains_pattern(&text.to_ascii_lowercase()),
        MAX_VALUES,
        key
    )
    .fetch_all(pool)
    .await
}
