// Parsing invariants that must hold for every request body.

use ingest::webhook::batch::Batch;
use ingest::webhook::event::ReadOptions;
use ingest::webhook::form::Form;
use time::OffsetDateTime;

/// Decodes and parses a body. Every element must become an event or poison, and events must preserve their original bytes.
pub(crate) fn body(body: &[u8]) {
    let Ok(form) = Form::decode(body.to_vec()) else { return };
    let Ok((bytes, value)) = form.into_events() else { return };
    let value = &bytes[value];
    let batch = Batch::read(value, ReadOptions::at(OffsetDateTime::UNIX_EPOCH));
    assert_eq!(batch.events.len() + batch.poison.len(), batch.received);
    for event in &batch.events {
        assert!(value.windows(event.payload.len()).any(|window| window == event.payload.as_bytes()));
        assert!(!event.kind.is_empty() && event.kind.len() <= 64 && event.search.len() <= 8 << 10);
        assert!(event.message_id.as_ref().is_none_or(|id| id.len() <= 512));
        assert!([&event.recipient, &event.subject].into_iter().flatten().all(|text| !text.contains('\0')));
        let again = Batch::read(event.payload.as_bytes(), ReadOptions::at(OffsetDateTime::UNIX_EPOCH));
        assert_eq!(again.received, 1, "a single element that is not an array should count as one");
    }
}
