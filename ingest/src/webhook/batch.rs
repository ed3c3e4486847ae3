//! Parses a delivery's JSON into events. Each element is handled independently, so an invalid element does not fail the batch.

use std::borrow::Cow;
use std::collections::HashSet;

use time::Date;

use crate::notify::draft::NotificationDraft;
use crate::payload::codec::Codec;
use crate::store::search_terms::CommonWords;
use crate::webhook::delivery::Source;
use crate::webhook::event::{NewEvent, ReadOptions, Reason};
use crate::webhook::json::elements::{self, Elements, MAX_ELEMENTS};

/// Typical size of an element, in bytes.
const TYPICAL_ELEMENT_BYTES: usize = 1 << 10;

/// Bytes that cannot be parsed as events and are quarantined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poison<'a> {
    /// The bytes as received.
    pub raw: Cow<'a, [u8]>,
    /// What the bytes represent.
    pub origin: Origin,
    /// A stable error code.
    pub reason: &'static str,
    /// A one-sentence explanation for operators.
    pub detail: String,
    /// Whether the bytes belong to an erased recipient, so that only their hash is stored.
    pub is_erased: bool,
}

impl<'a> Poison<'a> {
    /// Creates poison from an element that is not a valid event.
    pub fn of_element(raw: &'a str, reason: &'static str, detail: String) -> Self {
        Self::of_bytes(raw.as_bytes(), reason, detail)
    }

    /// Like [`Poison::of_element`], for bytes that may not be text.
    pub fn of_bytes(raw: &'a [u8], reason: &'static str, detail: String) -> Self {
        Self { raw: raw.into(), origin: Origin::Element, reason, detail, is_erased: false }
    }
}

/// What quarantined bytes represent. Determines how a retry parses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A single element of a delivery.
    Element,
    /// The whole value of `mandrill_events`.
    Delivery,
    /// A feed item for a stored event, which Redis rejected.
    Outbox,
}

impl Origin {
    /// The name used in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Element => "element",
            Self::Delivery => "delivery",
            Self::Outbox => "outbox",
        }
    }

    /// Returns the origin with this name in the database.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Element, Self::Delivery, Self::Outbox].into_iter().find(|origin| origin.name() == name)
    }
}

/// The elements of a delivery, borrowed from its JSON.
#[derive(Debug, Default)]
pub struct Batch<'a> {
    /// Number of elements in the array; 1 if the value is not an array.
    pub received: usize,
    /// Elements that can be stored, in array order.
    pub events: Vec<NewEvent<'a>>,
    /// Elements that cannot be stored.
    pub poison: Vec<Poison<'a>>,
}

impl<'a> Batch<'a> {
    /// Parses the value of `mandrill_events`. Bytes that cannot be parsed become poison, so this never fails.
    pub fn read(value: &'a [u8], options: ReadOptions) -> Self {
        let whole = |reason, detail: String| Self {
            received: 1,
            events: Vec::new(),
            poison: vec![Poison { raw: value.into(), origin: Origin::Delivery, reason, detail, is_erased: false }],
        };
        let Ok(text) = std::str::from_utf8(value) else {
            return whole("not_utf8", "The value of mandrill_events is not UTF-8.".to_owned());
        };
        Self::of_objects(text, options)
            .map_or_else(|| Self::of_elements(text, options), Ok)
            .unwrap_or_else(|(reason, detail)| whole(reason, detail))
    }

    /// Parses an array of arbitrary elements.
    fn of_elements(text: &'a str, options: ReadOptions) -> Result<Self, (&'static str, String)> {
        let Elements { elements, count } = serde_json::from_str(text)
            .map_err(|error| ("not_an_array", format!("The value of mandrill_events is not a JSON array: {error}.")))?;
        if count > MAX_ELEMENTS {
            let detail = format!("The array has {count} elements; the limit is {MAX_ELEMENTS}.");
            return Err(("too_many_elements", detail));
        }
        let mut batch = Self::default();
        for element in elements {
            batch.add(element.get(), NewEvent::read(element.get(), options));
        }
        Ok(batch)
    }

    /// Parses the common case in a single pass: an array of objects within the size limit. Returns `None` for anything else.
    fn of_objects(text: &'a str, options: ReadOptions) -> Option<Self> {
        let events = Vec::with_capacity((text.len() / TYPICAL_ELEMENT_BYTES).min(MAX_ELEMENTS));
        let mut batch = Self { events, ..Self::default() };
        for object in elements::objects(text) {
            let (raw, element) = object.ok().filter(|_| batch.received < MAX_ELEMENTS)?;
            batch.add(raw, NewEvent::of(&element, raw, options));
        }
        Some(batch)
    }

    /// Adds an element that was not read from an array.
    pub(crate) fn push(&mut self, raw: &'a [u8], options: ReadOptions) {
        match std::str::from_utf8(raw) {
            Ok(text) => self.add(text, NewEvent::read(text, options)),
            Err(_) => {
                self.received += 1;
                self.poison.push(Poison::of_bytes(raw, "not_utf8", "The element is not UTF-8.".to_owned()));
            }
        }
    }

    /// The days on which its events happened.
    pub(crate) fn days(&self) -> Vec<Date> {
        let days: HashSet<Date> = self.events.iter().filter_map(NewEvent::happened_on).collect();
        days.into_iter().collect()
    }

    fn add(&mut self, raw: &'a str, event: Result<NewEvent<'a>, Reason>) {
        self.received += 1;
        match event {
            Ok(event) => self.events.push(event),
            Err((reason, detail)) => self.poison.push(Poison::of_element(raw, reason, detail.to_owned())),
        }
    }
}

/// A batch with its source and the notifications for its events.
#[derive(Debug)]
pub struct VerifiedBatch<'a> {
    /// The elements.
    pub batch: Batch<'a>,
    /// The notification for each event, in the same order as the events.
    pub notifications: Vec<Option<NotificationDraft>>,
    /// Where the batch comes from.
    pub source: &'a Source,
}

impl<'a> VerifiedBatch<'a> {
    /// Pairs each event with the notification that `draft` returns for it, and encodes it. Nobody is notified of an erased event.
    pub(crate) fn new(
        mut batch: Batch<'a>,
        source: &'a Source,
        codec: &Codec,
        common: &CommonWords,
        draft: impl Fn(&NewEvent<'_>) -> Option<NotificationDraft>,
    ) -> Self {
        for event in &mut batch.events {
            event.encode(codec, common);
        }
        let notifications = batch.events.iter().map(|event| draft(event).filter(|_| !event.is_erased)).collect();
        Self { batch, notifications, source }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;
    use time::OffsetDateTime;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
    const OPTIONS: ReadOptions = ReadOptions { simulated: false, now: NOW, sync_senders_from: NOW };

    /// Arbitrary JSON whose keys include the field names that the parser looks for.
    fn any_json() -> impl Strategy<Value = Value> {
        let names = prop::sample::select(vec![
            "event", "type", "action", "ts", "_id", "msg", "email", "tags", "metadata", "location", "reject", "x",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 64, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::vec((names.clone(), inner), 0..8)
                    .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            ]
        })
    }

    fn text(value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.replace('\0', "\u{fffd}")),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Compares a message event with the fields of the same element parsed as a JSON tree.
    fn assert_fields_match_the_parsed_element(event: &NewEvent<'_>, element: &Value) -> Result<(), TestCaseError> {
        let is_message = text(&element["event"]).is_some_and(|kind| !kind.is_empty() && kind != "inbound");
        if is_message {
            let msg = &element["msg"];
            let meaningful = |value: &Value| text(value).filter(|text| !matches!(text.trim(), "" | "-"));
            let id = meaningful(&element["_id"]).or_else(|| meaningful(&msg["_id"]));
            let owned = |text: &Option<crate::webhook::event::Text<'_>>| text.as_deref().map(str::to_owned);
            prop_assert_eq!(owned(&event.message_id), id);
            prop_assert_eq!(owned(&event.recipient), meaningful(&msg["email"]).map(|email| email.trim().to_owned()));
            let tags: BTreeSet<String> = match &msg["tags"] {
                Value::Array(tags) => tags.iter().filter_map(text).collect(),
                Value::Object(tags) => tags.values().filter_map(text).collect(),
                one => text(one).into_iter().collect(),
            };
            let read: Vec<String> = event.tags.iter().map(|tag| tag.to_string()).collect();
            prop_assert_eq!(
                read.iter().cloned().collect::<BTreeSet<_>>(),
                tags.into_iter().filter(|tag| !tag.is_empty()).collect()
            );
            prop_assert_eq!(read.iter().collect::<BTreeSet<_>>().len(), read.len(), "each tag once");
            let metadata = msg["metadata"].as_object().filter(|metadata| !metadata.is_empty());
            prop_assert_eq!(event.metadata.is_some(), metadata.is_some());
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn every_element_becomes_an_event_or_poison_with_its_bytes(elements in prop::collection::vec(any_json(), 0..6)) {
            let text = Value::from(elements.clone()).to_string();
            let batch = Batch::read(text.as_bytes(), OPTIONS);
            prop_assert_eq!(batch.received, elements.len());
            prop_assert_eq!(batch.events.len() + batch.poison.len(), elements.len());
            let kept: Vec<String> = elements.iter().map(ToString::to_string).collect();
            prop_assert!(batch.events.iter().all(|event| kept.iter().any(|raw| raw == event.payload)));
            prop_assert!(batch.poison.iter().all(|poison| kept.iter().any(|raw| raw.as_bytes() == &*poison.raw)));
            let texts = batch.events.iter().flat_map(|event| [Some(&*event.kind), event.recipient.as_deref(), event.subject.as_deref(), Some(&*event.search)]);
            prop_assert!(texts.flatten().all(|text| !text.contains('\0')));
            for event in &batch.events {
                // Parsing the text again could round a number, so compare with the original element.
                let element = elements.iter().zip(&kept).find_map(|(element, raw)| (raw == event.payload).then_some(element));
                assert_fields_match_the_parsed_element(event, element.expect("the event should come from an element"))?;
            }
        }

        #[test]
        fn one_pass_and_several_passes_agree(
            elements in prop::collection::vec(any_json(), 0..6),
            irregular in prop::sample::select(vec!["", "{\"event\":\"open\",\"msg\":1e400}", "{\"event\":\"open\",\"msg\":\"\\ud800\"}", "{\"event\":\"open\"", "7"]),
            around in prop::sample::select(vec!["", " \n", "x", "]", ","]),
            pretty in any::<bool>(),
        ) {
            let mut texts: Vec<String> =
                elements.iter().map(|element| if pretty { format!(" {element:#} ") } else { element.to_string() }).collect();
            texts.extend((!irregular.is_empty()).then(|| irregular.to_owned()));
            let text = format!("{around}[{}]{around}", texts.join(","));
            if let Some(batch) = Batch::of_objects(&text, OPTIONS) {
                let slow = Batch::of_elements(&text, OPTIONS).expect("the text should be an array");
                prop_assert_eq!((batch.received, batch.events, batch.poison), (slow.received, slow.events, slow.poison));
            } else {
                let is_ordinary = |element: &Value| element.is_object() && element.get("msg").is_none_or(Value::is_object);
                let plain = around.trim().is_empty() && irregular.is_empty() && !elements.is_empty();
                prop_assert!(!(plain && elements.iter().all(is_ordinary)), "{}", text);
            }
        }

        #[test]
        fn arbitrary_bytes_become_poison_without_panic(value in prop::collection::vec(any::<u8>(), 0..300)) {
            let batch = Batch::read(&value, OPTIONS);
            prop_assert_eq!(batch.events.len() + batch.poison.len(), batch.received);
        }
    }
}
