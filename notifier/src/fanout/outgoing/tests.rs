use super::*;
use crate::feed::recent::Recent;
use proptest::prelude::*;
use serde_json::{Value, json};
use shared::feed::{ReceivedBatch, ReceivedItem};
use shared::filter::Filter;
use shared::masking::Addresses;
use shared::session::Role;
use shared::visibility::Visibility;
use std::collections::BTreeSet;

/// An item with an event of this kind and a notification for this audience.
fn item(seq: u64, event: Option<&str>, to: Option<&str>) -> ReceivedItem {
    let at = "2026-01-02T03:04:05Z";
    let event =
        event.map(|kind| json!({"id": seq, "kind": kind, "occurred_at": at, "received_at": at, "tags": [], "simulated": false}));
    let notification = to.map(|to| json!({"id": seq, "kind": "open", "title": "t", "body": "", "to": to, "at": at}));
    let item = json!({"event": event, "search": null, "notification": notification});
    serde_json::from_value(item).expect("an item")
}

/// Appends an item and returns its entry.
fn append(recent: &mut Recent, item: ReceivedItem) -> Arc<FeedEntry> {
    let before = recent.cursor().clone();
    assert!(recent.offer(ReceivedBatch { after: before.clone(), items: vec![item], unreadable: 0 }));
    Arc::clone(recent.after(&before).expect("the entries after it").next().expect("an entry"))
}

fn start() -> Cursor {
    Cursor { epoch: "e".into(), seq: 0 }
}

fn user() -> User {
    User { id: 7, email: "vera@example.com".to_owned(), role: Role::Viewer, restriction: None, addresses: Addresses::Full }
}

fn id_of(item: &Value) -> u64 {
    item["id"].as_u64().expect("an id")
}

fn seq_of(cursor: &Value) -> u64 {
    cursor.as_str().and_then(|cursor| cursor.parse::<Cursor>().ok()).expect("a cursor").seq
}

/// The frames for the pending entries after sequence number `after`, decoded from server-sent events.
fn frames_of(outgoing: &Outgoing, after: u64) -> Vec<Value> {
    let burst = outgoing.frames(after).encode(Framing::EventStream, &user());
    let text = burst.chunks.iter().map(|chunk| String::from_utf8_lossy(chunk)).collect::<String>();
    let frames: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|line| serde_json::from_str(line).expect("a frame"))
        .collect();
    assert_eq!(frames.len(), burst.frames);
    frames
}

proptest! {
    #[test]
    fn a_cursor_promises_only_what_was_sent(
        entries in prop::collection::vec((prop::option::of(prop::sample::select(vec!["open", "send"])),
            prop::option::of(prop::sample::select(vec!["all", "user:7", "user:8", "role:admin"])), any::<bool>()), 1..40),
        from in 0..20_u64
    ) {
        let mut recent = Recent::new(start(), 10_000);
        let mut outgoing = Outgoing::new(start(), Masking::default());
        let filter = Filter::of_visible([("kind", "open")], Visibility::everything()).expect("a filter");
        let subscription = Subscription { events: true, notifications: true, filter, masking: Masking::default() };
        let (mut selected, mut received) = (BTreeSet::new(), BTreeSet::new());
        let last = entries.len();
        for (seq, (event, to, flush)) in (1..).zip(entries) {
            outgoing.push(&append(&mut recent, item(seq, event, to)), &subscription);
            if event == Some("open") && seq > from {
                selected.insert((seq, "event"));
            }
            if matches!(to, Some("all" | "user:7")) && seq > from {
                selected.insert((seq, "notification"));
            }
            if flush || seq == last as u64 {
                for frame in frames_of(&outgoing, from) {
                    let mut ids = Vec::new();
                    if frame["type"] == "events" {
                        let items = frame["items"].as_array().expect("items");
                        ids.extend(items.iter().map(|item| (id_of(item), "event")));
                    } else {
                        ids.push((id_of(&frame), "notification"));
                    }
                    for id in ids {
                        prop_assert!(received.insert(id), "each id arrives once");
                    }
                    let promised = seq_of(&frame["cursor"]);
                    prop_assert!(selected.iter().filter(|(seq, _)| *seq <= promised).all(|id| received.contains(id)));
                }
                outgoing.clear();
                prop_assert_eq!(outgoing.cursor(), Some(recent.cursor()));
            }
        }
        prop_assert_eq!(received, selected);
    }
}

#[test]
fn the_oldest_events_of_a_burst_are_counted_as_skipped() {
    let mut recent = Recent::new(start(), 10_000);
    let mut outgoing = Outgoing::new(start(), Masking::default());
    let subscription = Subscription { events: true, ..Subscription::default() };
    for seq in 1..=MAX_EVENTS as u64 + 7 {
        outgoing.push(&append(&mut recent, item(seq, Some("send"), Some("all"))), &subscription);
    }
    let frames = frames_of(&outgoing, 0);
    assert_eq!((frames.len(), &frames[0]["skipped"], &frames[0]["items"][0]["id"]), (1, &json!(7), &json!(8)));
    assert_eq!(outgoing.first_seq(), Some(1), "skipped events count as pending");
    assert_eq!(frames_of(&outgoing, 7)[0]["skipped"], json!(null), "a client that has seen the skipped events misses none");
}

#[test]
fn frames_differ_when_a_notification_is_not_for_everyone() {
    let mut recent = Recent::new(start(), 10_000);
    let mut outgoing = Outgoing::new(start(), Masking::default());
    let subscription = Subscription { notifications: true, ..Subscription::default() };
    outgoing.push(&append(&mut recent, item(1, None, Some("all"))), &subscription);
    assert!(outgoing.frames(0).are_for_everyone());
    outgoing.push(&append(&mut recent, item(2, None, Some("user:8"))), &subscription);
    assert!(!outgoing.frames(0).are_for_everyone());
    let ids: Vec<Value> = frames_of(&outgoing, 0).iter().map(|frame| frame["id"].clone()).collect();
    assert_eq!(ids, [json!(1)]);
}
