//! Values of fields to suggest to a caller who may not see all events: those of visible events. The counts of all events would tell of others.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use shared::event::Event;
use shared::filter::{Filter, number_text};
use shared::visibility::Visibility;
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::store::events::search;
use crate::store::events::values::{CountedValue, MAX_VALUES};

/// Number of the newest visible events whose values are suggested.
const SAMPLED_EVENTS: i64 = 2_000;
/// For addresses: number of the newest visible events that contain the text, which are read as well.
const MATCHING_EVENTS: i64 = 300;
/// How long the search for events can take.
const SEARCH_TIME: Duration = Duration::from_millis(500);
/// Only events of these days are counted.
const COUNTED_DAYS: i64 = 35;

/// Values of a field, those that begin with `text` first, then the commonest. `None` if values of the field cannot be suggested.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn suggest(
    pool: &PgPool,
    visibility: &Visibility,
    field: &str,
    text: &str,
) -> Result<Option<Vec<CountedValue>>, sqlx::Error> {
    if values_of(field, visibility, None).is_none() {
        return Ok(None);
    }
    let text = text.to_ascii_lowercase();
    let newest = Filter { visibility: visibility.clone(), ..Filter::default() };
    let mut events = search::search(pool, &newest, None, SAMPLED_EVENTS, SEARCH_TIME).await?.events;
    if field == "recipient" && !text.is_empty() {
        let containing = Filter::of_visible([("q", text.as_str())], visibility.clone()).unwrap_or(newest);
        let found = search::search(pool, &containing, None, MATCHING_EVENTS, SEARCH_TIME).await?.events;
        let known: Vec<i64> = events.iter().map(|event| event.id).collect();
        events.extend(found.into_iter().filter(|event| !known.contains(&event.id)));
    }
    let counted_from = OffsetDateTime::now_utc() - time::Duration::days(COUNTED_DAYS);
    let mut counts: HashMap<String, i64> = HashMap::new();
    for event in &events {
        for value in values_of(field, visibility, Some(event)).unwrap_or_default() {
            if !value.is_empty() && value.to_ascii_lowercase().contains(&text) {
                *counts.entry(value).or_default() += i64::from(event.received_at >= counted_from);
            }
        }
    }
    let is_counted = !(field == "url" || field.starts_with("metadata"));
    let mut counts: Vec<(String, i64)> = counts.into_iter().collect();
    counts.sort_by_cached_key(|(value, count)| (!value.to_ascii_lowercase().starts_with(&text), Reverse(*count), value.clone()));
    counts.truncate(usize::try_from(MAX_VALUES).unwrap_or_default());
    Ok(Some(counts.into_iter().map(|(value, count)| CountedValue::new(value, is_counted.then_some(count))).collect()))
}

/// The values of a field of an event. `None` if values of the field cannot be suggested.
fn values_of(field: &str, visibility: &Visibility, event: Option<&Event>) -> Option<Vec<String>> {
    let one = |value: fn(&Event) -> Option<String>| Some(event.and_then(value).into_iter().collect());
    match (field, field.strip_prefix("metadata.")) {
        ("kind", _) => one(|event| Some(event.kind.clone())),
        ("reason_class", _) => one(|event| event.reason_class.clone()),
        ("actor", _) => one(|event| event.actor.clone()),
        ("template", _) => one(|event| event.template.clone()),
        ("subaccount", _) => one(|event| event.subaccount.clone()),
        ("url", _) => one(|event| event.url.clone().filter(|_| event.kind == "click")),
        ("recipient", _) => one(|event| Some(event.recipient.as_ref()?.to_ascii_lowercase())),
        ("domain", _) => one(|event| Some(event.recipient.as_ref()?.rsplit_once('@')?.1.to_ascii_lowercase())),
        // Senders of inbound mail are strangers.
        ("sender", _) => one(|event| event.sender.as_ref().filter(|_| event.kind != "inbound").map(|it| it.to_ascii_lowercase())),
        ("tag", _) => Some(event.map(|event| visible_tags(event, visibility)).unwrap_or_default()),
        ("metadata", _) => Some(event.map(metadata).unwrap_or_default().into_iter().map(|(key, _)| key).collect()),
        (_, Some(key)) if !key.is_empty() => {
            let texts = event.map(metadata).unwrap_or_default().into_iter();
            Some(texts.filter(|(name, _)| name == key).filter_map(|(_, value)| text_of(&value)).collect())
        }
        _ => None,
    }
}

/// The tags for each of which alone the event would be visible.
fn visible_tags(event: &Event, visibility: &Visibility) -> Vec<String> {
    let is_visible = |tag: &&String| {
        let alone = std::slice::from_ref(*tag);
        visibility.includes(&event.kind, event.subaccount.as_deref(), alone, event.sender.as_deref())
    };
    event.tags.iter().filter(is_visible).cloned().collect()
}

fn metadata(event: &Event) -> Vec<(String, Value)> {
    let metadata = event.metadata.as_ref().and_then(|metadata| serde_json::from_str(metadata.get()).ok());
    if let Some(Value::Object(metadata)) = metadata { metadata.into_iter().collect() } else { Vec::new() }
}

/// The value as filters compare it. `None` for null, arrays and objects.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number_text(&number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
