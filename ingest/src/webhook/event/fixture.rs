//! An event for the tests of parsing and digests.

use serde_json::{Value, json};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::{NewEvent, ReadOptions};

pub(super) const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

/// Sync events are identified with their senders from a day after [`NOW`].
pub(super) fn options(now: OffsetDateTime) -> ReadOptions {
    ReadOptions { simulated: false, now, sync_senders_from: NOW + Duration::DAY }
}

/// Leaks the element's text so that events can be compared without dealing with lifetimes.
pub(super) fn read(element: &Value) -> NewEvent<'static> {
    NewEvent::read(element.to_string().leak(), options(NOW)).expect("the element should be an event")
}

pub(super) fn open() -> Value {
    json!({"event": "open", "ts": 1_700_000_000, "_id": "m1", "ip": "198.51.100.7", "user_agent": "UA", "msg": {"email": "a@example.com"}})
}

/// Returns the element with one field changed.
pub(super) fn with(name: &str, value: Value) -> Value {
    let mut element = open();
    element[name] = value;
    element
}
