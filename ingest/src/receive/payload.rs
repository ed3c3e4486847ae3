//! From the text of a delivery to events, each element judged alone: it never fails as a whole.

use time::OffsetDateTime;

use super::event::NewEvent;
use super::json::{Elements, MOST_ELEMENTS};

/// An element, or a whole value, that cannot become an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poison {
    /// The bytes as received.
    pub raw: Vec<u8>,
    /// Stable, for programs.
    pub reason: &'static str,
    /// One sentence.
    pub detail: String,
}

/// What a delivery holds.
#[derive(Debug, Default)]
pub struct Batch {
    /// Elements in the array; 1 when the value is none.
    pub received: usize,
    /// What can be stored, in the array's order.
    pub events: Vec<NewEvent>,
    /// What cannot.
    pub poison: Vec<Poison>,
}

impl Batch {
    /// Reads the value of `mandrill_events`. It never fails: what cannot be read is poison.
    pub fn read(value: &[u8], simulated: bool, now: OffsetDateTime) -> Self {
        let whole = |reason, detail: String| Self {
            received: 1,
            events: Vec::new(),
            poison: vec![Poison { raw: value.to_vec(), reason, detail }],
        };
        let Ok(text) = std::str::from_utf8(value) else {
            return whole("not_utf8", "The value of mandrill_events is not UTF-8.".to_owned());
        };
        let Elements { elements, count } = match serde_json::from_str(text) {
            Ok(elements) => elements,
            Err(error) => return whole("not_an_array", format!("The value of mandrill_events is no JSON array: {error}.")),
        };
        if count > MOST_ELEMENTS {
            return whole(
                "too_many_elements",
                format!("The array holds {count} elements, and {MOST_ELEMENTS} are taken at most."),
            );
        }
        let mut batch = Self { received: elements.len(), ..Self::default() };
        for element in elements {
            match NewEvent::read(element.get(), simulated, now) {
                Ok(event) => batch.events.push(event),
                Err((reason, detail)) => {
                    let raw = element.get().as_bytes().to_vec();
                    batch.poison.push(Poison { raw, reason, detail: detail.to_owned() });
                }
            }
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    /// JSON of any shape, with the names that the reader looks for among its keys.
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

    proptest! {
        #[test]
        fn every_element_becomes_an_event_or_poison_and_keeps_its_bytes(elements in prop::collection::vec(any_json(), 0..6)) {
            let batch = Batch::read(Value::from(elements.clone()).to_string().as_bytes(), false, NOW);
            prop_assert_eq!(batch.received, elements.len());
            prop_assert_eq!(batch.events.len() + batch.poison.len(), elements.len());
            let kept: Vec<String> = elements.iter().map(ToString::to_string).collect();
            prop_assert!(batch.events.iter().all(|event| kept.contains(&event.payload)));
            prop_assert!(batch.poison.iter().all(|poison| kept.iter().any(|raw| raw.as_bytes() == poison.raw)));
            let texts = batch.events.iter().flat_map(|event| [Some(&event.kind), event.recipient.as_ref(), event.subject.as_ref(), Some(&event.search)]);
            prop_assert!(texts.flatten().all(|text| !text.contains('\0')));
        }

        #[test]
        fn garbage_is_poison_and_never_panics(value in prop::collection::vec(any::<u8>(), 0..300)) {
            let batch = Batch::read(&value, false, NOW);
            prop_assert_eq!(batch.events.len() + batch.poison.len(), batch.received);
        }
    }
}
