//! RFC 6455 at the byte level: valid and invalid frames, sent to the notifier directly and through nginx.

use front_door::delivery::event;
use front_door::raw::masked;
use front_door::{ApiClient, Mandrill, RawSocket, Socket};
use serde_json::json;
use stack::{Part, Stack};

const SUBSCRIBE: &[u8] = br#"{"type":"subscribe","topics":["notifications"]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn protocol_violations_close_only_the_offending_socket() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut bystander = Socket::of(&admin).await;
    bystander.subscribe(None).await;
    let table: [(&str, Vec<u8>, u16); 12] = [
        ("unmasked", [&[0x81, 47][..], SUBSCRIBE].concat(), 1002),
        ("a reserved bit", masked(0xC1, SUBSCRIBE), 1002),
        ("a reserved opcode", masked(0x83, b""), 1002),
        ("a fragmented ping", masked(0x09, b""), 1002),
        ("a ping of 126 bytes", masked(0x89, &[b'x'; 126]), 1002),
        ("a continuation without a start", masked(0x80, SUBSCRIBE), 1002),
        ("a message within a message", [masked(0x01, b"{"), masked(0x81, SUBSCRIBE)].concat(), 1002),
        ("a close with a reserved code", masked(0x88, &1005_u16.to_be_bytes()), 1002),
        ("binary", masked(0x82, SUBSCRIBE), 1003),
        ("invalid UTF-8", masked(0x81, &[b'"', 0xC3, 0x28, b'"']), 1007),
        ("too large", masked(0x81, &[b' '; 4_097]), 1009),
        ("too large in fragments", [masked(0x01, &[b' '; 4_000]), masked(0x80, &[b' '; 97])].concat(), 1009),
    ];
    for address in [stack.address(), stack.direct(Part::Notifier)] {
        for (name, bytes, code) in &table {
            let mut socket = RawSocket::open(&admin, &address).await;
            socket.send(bytes).await;
            assert_eq!(socket.closed().await, *code, "{name} at {address}");
        }
        let mut flood = RawSocket::open(&admin, &address).await;
        for _ in 0..200 {
            flood.send(&masked(0x89, b"are you there?")).await;
        }
        assert_eq!(flood.closed().await, 4429, "a flood of pings");
        let mut closing = RawSocket::open(&admin, &address).await;
        closing.send(&masked(0x88, &1000_u16.to_be_bytes())).await;
        assert_eq!(closing.closed().await, 1000, "the server should confirm the close");
    }
    assert_eq!(Mandrill::of(&stack).deliver(&[event("open", "m1")]).await.status, 200);
    bystander.next_of("notification").await;
}

#[tokio::test]
async fn fragmented_and_split_frames_are_understood() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut socket = RawSocket::open(&admin, &stack.address()).await;
    let (head, tail) = SUBSCRIBE.split_at(20);
    let parts = [masked(0x01, head), masked(0x89, b"still there?"), masked(0x00, b""), masked(0x80, tail)].concat();
    for byte in parts {
        socket.send(&[byte]).await;
    }
    assert_eq!(socket.frame().await, Some((0xA, b"still there?".to_vec())), "a ping between fragments should be answered");
    assert_eq!(socket.text().await["type"], "subscribed");
    let padded = [SUBSCRIBE, &[b' '; 4_096 - SUBSCRIBE.len()][..]].concat();
    socket.send(&masked(0x81, &padded)).await;
    assert_eq!(socket.text().await["type"], "subscribed", "4,096 bytes should be accepted");
    socket.send(&masked(0x8A, b"unsolicited")).await;
    socket.send(&masked(0x81, br#"{"type":"notify","to":"all","title":"gr\u00fcn","ref":"1"}"#)).await;
    assert_eq!(socket.next_of("notification").await["title"], json!("gr\u{fc}n"));
}
