//! Tests of a shard that serves event streams, with a clock controlled by the tests.

mod fixture;
mod model;

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use self::fixture::{Fixture, everything, opens, settle};
use super::*;
use crate::transport::writer::ClientWriter;

#[tokio::test(start_paused = true)]
async fn events_are_sent_at_once_when_quiet_and_ten_times_a_second_in_a_burst() {
    let mut fixture = Fixture::new(Duration::ZERO);
    let mut client = fixture.client(1, 64).await;
    client.subscribe(everything(), None).await;
    client.until("subscribed").await;
    for _ in 0..50 {
        fixture.publish("send", None);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    client.read();
    let frames = client.frames.iter().filter(|frame| frame["type"] == "events").count();
    assert!((9..=11).contains(&frames), "{frames}");
    assert_eq!(client.ids().0, (1..=50).collect::<Vec<_>>());
    assert_eq!(client.frames[1]["items"].as_array().map(Vec::len), Some(1), "the first event is sent without delay");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_is_sent_every_25_seconds_with_the_cursor_reached() {
    let mut fixture = Fixture::new(Duration::ZERO);
    let mut client = fixture.client(1, 64).await;
    client.subscribe(opens(), None).await;
    fixture.publish("send", None);
    tokio::time::sleep(Duration::from_millis(75_500)).await;
    client.read();
    let heartbeats: Vec<&Value> =
        client.frames.iter().filter(|frame| frame["type"] == "heartbeat").map(|frame| &frame["cursor"]).collect();
    assert_eq!(heartbeats, [&json!("e.1"); 3], "the cursor advances even though no event was selected");
}

#[tokio::test]
async fn a_silent_client_is_closed_within_a_minute() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a connection");
    let (served, _) = listener.accept().await.expect("a connection");
    // Nothing is sent over the network from here on, so the clock can be advanced independently of it.
    tokio::time::pause();
    let fixture = Fixture::new(Duration::ZERO);
    let guard = fixture.connect(1);
    let writer = Arc::new(ClientWriter::for_websocket(served, Arc::clone(&guard.close_signal)));
    guard.join(Arc::clone(&writer), Framing::WebSocket).await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_secs(24)).await;
        assert_eq!(guard.close_signal.reason(), None, "the client was recently active");
        writer.record_activity();
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(guard.close_signal.reason(), Some(Close::Silent));
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn only_the_client_that_does_not_read_is_closed() {
    let mut fixture = Fixture::new(Duration::ZERO);
    let (slow, mut quick) = (fixture.client(1, 8).await, fixture.client(2, 64).await);
    slow.subscribe(everything(), None).await;
    quick.subscribe(everything(), None).await;
    settle().await;
    for _ in 0..30 {
        fixture.publish("open", Some("all"));
        tokio::time::sleep(Duration::from_millis(150)).await;
        quick.read();
    }
    assert_eq!(slow.guard.close_signal.reason(), Some(Close::TooSlow));
    assert_eq!(quick.guard.close_signal.reason(), None);
    assert_eq!(quick.ids().1, (1..=30).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_reset_reaches_every_subscribed_client_even_during_a_replay() {
    let mut fixture = Fixture::new(Duration::ZERO);
    let mut unsubscribed = fixture.client(1, 64).await;
    let mut live = fixture.client(2, 64).await;
    live.subscribe(everything(), None).await;
    for _ in 0..3_000 {
        fixture.publish("send", None);
    }
    // Nothing reads this client's queue, so its replay stalls halfway.
    let mut resuming = fixture.client(3, 64).await;
    resuming.subscribe(everything(), Some("e.0")).await;
    settle().await;
    fixture.hub.reset(Cursor { epoch: "f".into(), seq: 40 }, "epoch");
    settle().await;
    for client in [&mut live, &mut resuming] {
        assert_eq!(client.until("reset").await["reason"], "epoch");
    }
    assert_eq!(resuming.frames[0]["recovered"], true);
    unsubscribed.read();
    assert!(unsubscribed.frames.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_client_ahead_of_this_replica_gets_each_event_once() {
    let mut fixture = Fixture::new(Duration::ZERO);
    fixture.publish("send", None);
    let mut client = fixture.client(1, 64).await;
    client.subscribe(everything(), Some("e.3")).await;
    assert_eq!(client.until("subscribed").await["recovered"], true);
    for _ in 0..4 {
        fixture.publish("send", None);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    client.read();
    assert_eq!(client.ids().0, [4, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_drain_closes_connections_evenly_over_its_time() {
    let fixture = Fixture::new(Duration::from_secs(10));
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(fixture.client(1, 64).await);
    }
    settle().await;
    fixture.stop.cancel();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let closed = clients.iter().filter(|client| client.guard.close_signal.reason() == Some(Close::Restarting)).count();
    assert!((45..=55).contains(&closed), "{closed}");
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(clients.iter().all(|client| client.guard.close_signal.reason() == Some(Close::Restarting)));
    for client in clients {
        client.guard.leave().await;
    }
    fixture.shard.await.expect("the shard has ended");
}
