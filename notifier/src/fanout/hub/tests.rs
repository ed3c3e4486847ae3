use super::*;
use shared::feed::ReceivedItem;
use shared::masking::{Addresses, RecipientIds};
use shared::session::{Credential, Role};
use shared::visibility::{Restriction, Visibility};

const LIMITS: ConnectionLimits = ConnectionLimits { max_sockets: 4, max_sockets_per_user: 2, max_sockets_per_address: 3 };

fn hub() -> Arc<Hub> {
    let hub = Hub::new(vec![mpsc::channel(8).0]);
    hub.start(Recent::new(cursor("e", 0), 10_000));
    Arc::new(hub)
}

fn cursor(epoch: &str, seq: u64) -> Cursor {
    Cursor { epoch: epoch.into(), seq }
}

fn join(hub: &Arc<Hub>, user: i64, session: &str, address: u8) -> Result<ConnectionGuard, ApiError> {
    let user = User { id: user, email: String::new(), role: Role::Viewer, restriction: None, addresses: Addresses::Full };
    let caller = Caller { user, credential: Credential::Session(Hash::of(session)), recipient_ids: RecipientIds::default() };
    hub.join(&caller, IpAddr::from([127, 0, 0, address]), LIMITS)
}

fn open(hub: &Arc<Hub>, user: i64, session: &str, address: u8) -> ConnectionGuard {
    join(hub, user, session, address).expect("room for the connection")
}

fn offer(hub: &Hub, after: u64, count: usize) -> bool {
    hub.offer(ReceivedBatch { after: cursor("e", after), items: vec![ReceivedItem::default(); count], unreadable: 0 })
}

#[test]
fn connections_opened_after_a_session_check_began_stay_open() {
    let hub = hub();
    let promoted = open(&hub, 1, "promoted", 1);
    let signed_out = open(&hub, 2, "signed out", 1);
    let limited = open(&hub, 3, "limited", 2);
    let checked = hub.credentials();
    let late = open(&hub, 4, "late", 2);
    let access = |role, user| Access { role, visibility: Visibility::new(user, None), is_masked: false };
    hub.close_invalid(
        &checked,
        &HashMap::from([
            (Hash::of("promoted"), access(Role::Admin, None)),
            (Hash::of("limited"), access(Role::Viewer, Some(Restriction::default()))),
        ]),
    );
    assert_eq!(promoted.close_signal.reason(), Some(Close::Resync), "the role has changed");
    assert_eq!(limited.close_signal.reason(), Some(Close::Resync), "it may show less");
    assert_eq!(signed_out.close_signal.reason(), Some(Close::SignedOut));
    assert_eq!(late.close_signal.reason(), None);
}

#[test]
fn connections_are_limited_and_refused_until_the_feed_is_read() {
    let early = Arc::new(Hub::new(vec![mpsc::channel(8).0]));
    assert!(matches!(join(&early, 1, "a", 1), Err(ApiError::NotReady)));
    let hub = hub();
    let held = [open(&hub, 1, "a", 1), open(&hub, 1, "a", 1)];
    assert!(matches!(join(&hub, 1, "a", 2), Err(ApiError::TooManyConnections)), "the limit per user");
    let _third = open(&hub, 2, "b", 1);
    assert!(matches!(join(&hub, 3, "c", 1), Err(ApiError::TooManyConnections)), "the limit per address");
    let _fourth = open(&hub, 3, "c", 2);
    assert!(matches!(join(&hub, 4, "d", 3), Err(ApiError::NotReady)), "the limit of the replica");
    drop(held);
    assert_eq!(hub.connections_per_user(), HashMap::from([(2, 1), (3, 1)]));
    assert!(join(&hub, 1, "a", 1).is_ok());
}

#[test]
fn a_poll_returns_new_entries_or_a_reset() {
    let hub = hub();
    assert!(offer(&hub, 0, 2) && offer(&hub, 0, 2));
    assert!(!offer(&hub, 3, 1), "a gap");
    assert!(matches!(hub.poll(&cursor("e", 0), 0), Poll::Entries(entries) if entries.len() == 2));
    assert!(matches!(hub.poll(&cursor("e", 2), 0), Poll::Entries(entries) if entries.is_empty()));
    hub.announce_reset("unreadable");
    assert!(matches!(hub.poll(&cursor("e", 2), 0), Poll::Reset { at, reason: "unreadable", resets: 1 } if at == cursor("e", 2)));
    hub.reset(cursor("f", 7), "epoch");
    assert!(hub.offer(ReceivedBatch { after: cursor("f", 7), items: vec![ReceivedItem::default()], unreadable: 0 }));
    assert!(matches!(hub.poll(&cursor("e", 2), 1), Poll::Reset { at, reason: "epoch", resets: 2 } if at == cursor("f", 7)));
    assert!(matches!(hub.poll(&cursor("f", 3), 2), Poll::Reset { at, reason: "overrun", .. } if at == cursor("f", 8)));
}
