//! `/ws`: access control, frames, resuming, and behaviour while Redis or the notifier is unavailable.

use front_door::delivery::event;
use front_door::{ApiClient, Database, Follower, Mandrill, Socket, until, until_readyz};
use futures::SinkExt;
use serde_json::{Value, json};
use stack::{Part, Stack};
use tokio_tungstenite::tungstenite::Message;

/// A follower that has received the notification for one open.
async fn connected_follower(stack: &Stack) -> (Mandrill, Follower) {
    let mandrill = Mandrill::of(stack);
    let mut follower = Follower::new(ApiClient::admin(stack).await);
    follower.connect().await;
    assert_eq!(mandrill.deliver(&[event("open", "before")]).await.status, 200);
    follower.follow_until(|follower| follower.notifications.len() == 1).await;
    (mandrill, follower)
}

#[tokio::test]
async fn sockets_require_a_session_and_our_own_origin() {
    let stack = Stack::start().expect("the stack should start");
    let (ours, address) = (stack.address(), stack.address());
    let admin = ApiClient::admin(&stack).await;
    let cookie = admin.cookie.clone().expect("the admin should have a cookie");
    let token = stack
        .ingest(&["token", "add", "t", "--user", "admin@example.com", "--scope", "read"])
        .expect("the token should be created");
    let bearer = format!("Bearer {}", token.trim());
    let table: [(&[(&'static str, &str)], u16); 7] = [
        (&[("origin", &ours)], 401),
        (&[("origin", "https://evil.example")], 401),
        (&[("cookie", &cookie), ("origin", "https://evil.example")], 403),
        (&[("cookie", &cookie), ("origin", "null")], 403),
        (&[("cookie", &cookie)], 403),
        (&[("cookie", &cookie), ("origin", &ours)], 101),
        (&[("authorization", &bearer), ("origin", &ours)], 101),
    ];
    for (headers, expected) in table {
        let status = Socket::open(&address, headers).await.map_or_else(|status| status, |_| 101);
        assert_eq!(status, expected, "{headers:?}");
    }
    let plain =
        admin.request(reqwest::Method::GET, "/ws").header("origin", &ours).send().await.expect("the server should respond");
    assert_eq!(plain.status(), 426);
}

#[tokio::test]
async fn an_open_reaches_every_socket_as_event_and_notification() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, viewer) = (ApiClient::admin(&stack).await, ApiClient::viewer(&stack, "vera@example.com").await);
    let mut sockets = [Socket::of(&admin).await, Socket::of(&viewer).await];
    for socket in &mut sockets {
        assert_eq!(socket.subscribe(None).await["recovered"], false);
    }
    let batch = [event("send", "m1"), event("open", "m1")];
    assert_eq!(Mandrill::of(&stack).deliver(&batch).await.status, 200);
    let notifications = admin.all("/api/notifications").await;
    for socket in &mut sockets {
        let mut kinds = Vec::new();
        while kinds.len() < 2 {
            let frame = socket.next_of("events").await;
            kinds.extend(frame["items"].as_array().expect("items should be an array").iter().map(|item| item["kind"].clone()));
        }
        assert_eq!(kinds, ["send", "open"]);
        let notification = socket.next_of("notification").await;
        assert_eq!(notification["title"], "m1@example.com opened “Letter m1”");
        assert_eq!(notification["id"], notifications[0]["id"], "the frame should have the id of the stored notification");
    }
}

#[tokio::test]
async fn a_subscription_delivers_only_what_its_filter_selects() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut socket = Socket::of(&admin).await;
    let filter = json!({"kind": ["click", "hard_bounce"], "recipient": "m2@example.com", "q": "letter"});
    socket.send(&json!({"type": "subscribe", "topics": ["events"], "filter": filter})).await;
    socket.next_of("subscribed").await;
    let batch = [event("open", "m2"), event("click", "m1"), event("click", "m2")];
    assert_eq!(Mandrill::of(&stack).deliver(&batch).await.status, 200);
    let frame = socket.next_of("events").await;
    assert_eq!(frame["items"].as_array().map(Vec::len), Some(1), "{frame}");
    assert_eq!(frame["items"][0]["message_id"], "m2");
    socket.send(&json!({"type": "subscribe", "topics": ["events"], "filter": {"colour": "red"}})).await;
    assert_eq!(socket.next_of("error").await["code"], "bad_filter");
}

#[tokio::test]
async fn users_can_send_each_other_notifications() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, viewer) = (ApiClient::admin(&stack).await, ApiClient::viewer(&stack, "vera@example.com").await);
    let users = viewer.all("/api/users").await;
    let id_of = |email: &str| {
        users.iter().find(|user| user["email"] == email).expect("the user should exist")["id"]
            .as_i64()
            .expect("id should be an integer")
    };
    let mut sockets = [Socket::of(&admin).await, Socket::of(&viewer).await, Socket::of(&viewer).await];
    for socket in &mut sockets {
        socket.subscribe(None).await;
    }
    let vera = id_of("vera@example.com");
    for (to, expected) in
        [("all".to_owned(), [true; 3]), (format!("user:{vera}"), [true; 3]), ("role:admin".to_owned(), [true, false, false])]
    {
        sockets[0].send(&json!({"type": "notify", "to": to, "title": "Test", "body": to, "ref": "r1"})).await;
        let mut id = None;
        for (socket, is_expected) in sockets.iter_mut().zip(expected) {
            if is_expected {
                let frame = socket.next_of("notification").await;
                assert_eq!(
                    (&frame["kind"], &frame["body"], &frame["from"]["email"]),
                    (&json!("message"), &json!(to), &json!("admin@example.com"))
                );
                assert_eq!(*id.get_or_insert(frame["id"].clone()), frame["id"]);
            }
        }
    }
    // The history excludes messages to other audiences, and invalid messages receive an error with their `ref`.
    let history: Vec<Value> = viewer.all("/api/notifications").await.iter().map(|one| one["body"].clone()).collect();
    assert_eq!(history, [json!(format!("user:{vera}")), json!("all")]);
    let mut socket = Socket::of(&viewer).await;
    for (to, title, code) in
        [("user:999999", "Test", "no_such_user"), ("everybody", "Test", "bad_audience"), ("all", " ", "bad_length")]
    {
        socket.send(&json!({"type": "notify", "to": to, "title": title, "ref": to})).await;
        let response = socket.next_of("error").await;
        assert_eq!((&response["code"], &response["ref"]), (&json!(code), &json!(to)));
    }
    socket.send(&json!({"type": "notify", "to": "all", "title": "Test", "ref": "x"})).await;
    assert_eq!(socket.next_of("sent").await["ref"], "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_misses_nothing_across_a_notifier_crash() {
    let mut stack = Stack::start().expect("the stack should start");
    let (mandrill, mut follower) = connected_follower(&stack).await;
    stack.kill(Part::Notifier);
    let missed: Vec<Value> = (0..300).map(|n| event("open", &format!("missed{n}"))).collect();
    assert_eq!(mandrill.deliver(&missed).await.status, 200);
    stack.restart(Part::Notifier).expect("the notifier should restart");
    assert_eq!(mandrill.deliver(&[event("open", "after")]).await.status, 200);
    follower.follow_until(|follower| follower.notifications.len() == 302 && follower.events.len() == 302).await;
    assert_eq!((follower.refetches, follower.repeats), (1, 0), "expected one initial fetch and no duplicates after resuming");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_response_contains_a_cursor_to_resume_from() {
    let mut stack = Stack::start().expect("the stack should start");
    let mandrill = Mandrill::of(&stack);
    let admin = ApiClient::admin(&stack).await;
    let mut observer = Socket::of(&admin).await;
    observer.subscribe(None).await;
    assert_eq!(mandrill.deliver(&[event("open", "before")]).await.status, 200);
    assert_eq!(observer.next_of("events").await["items"][0]["message_id"], "before");

    let feed = admin.get("/api/session").await.json()["feed"].clone();
    assert_eq!(mandrill.deliver(&[event("open", "meanwhile")]).await.status, 200);
    assert_eq!(observer.next_of("events").await["items"][0]["message_id"], "meanwhile");
    let mut socket = Socket::of(&admin).await;
    socket.send(&json!({"type": "subscribe", "topics": ["events"], "after": feed})).await;
    assert_eq!(socket.next_of("subscribed").await["recovered"], true);
    let items = socket.next_of("events").await["items"].clone();
    let followed: Vec<&Value> =
        items.as_array().expect("items should be an array").iter().map(|item| &item["message_id"]).collect();
    assert_eq!(followed, ["meanwhile"], "events before the cursor should not be replayed");

    stack.kill(Part::Redis);
    let session = admin.get("/api/session").await.json();
    assert_eq!(
        (&session["user"]["role"], &session["feed"]),
        (&json!("admin"), &Value::Null),
        "signing in should not depend on Redis"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_accepted_without_redis_and_published_later() {
    let mut stack = Stack::start().expect("the stack should start");
    let (mandrill, mut follower) = connected_follower(&stack).await;
    stack.kill(Part::Redis);
    let batch: Vec<Value> = (0..50).map(|n| event("open", &format!("m{n}"))).collect();
    assert_eq!(mandrill.deliver(&batch).await.status, 200);
    stack.restart(Part::Redis).expect("Redis should restart");
    follower.follow_until(|follower| follower.notifications.len() == 51 && follower.events.len() == 51).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_outage_is_logged_once() {
    let mut stack = Stack::start().expect("the stack should start");
    let (mandrill, mut follower) = connected_follower(&stack).await;
    stack.kill(Part::Redis);
    assert_eq!(mandrill.deliver(&[event("open", "during")]).await.status, 200);
    // The publisher polls the outbox once a second.
    let waited = "select count(*) from outbox where created_at < now() - interval '4 seconds'";
    Database::of(&stack).await.until("an outbox row has waited for several polls", waited).await;
    let log = std::fs::read_to_string(stack.log(Part::Ingest)).expect("the log of ingest should be readable");
    assert_eq!((log.matches("publishing is paused").count(), log.matches("publishing resumed").count()), (1, 0), "{log}");
    stack.restart(Part::Redis).expect("Redis should restart");
    follower.follow_until(|follower| follower.notifications.len() == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_publisher_replaces_a_connection_that_redis_closed() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, mut follower) = connected_follower(&stack).await;
    stack.redis("CLIENT KILL TYPE normal").expect("Redis should close the connections");
    assert_eq!(mandrill.deliver(&[event("open", "after")]).await.status, 200);
    follower.follow_until(|follower| follower.notifications.len() == 2).await;
    let log = std::fs::read_to_string(stack.log(Part::Ingest)).expect("the log of ingest should be readable");
    assert!(!log.contains("publishing is paused"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_is_lost_when_redis_refuses_appends() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, mut follower) = connected_follower(&stack).await;
    // The stream's key holds a string, so Redis rejects every append.
    stack.redis("SET ml:feed mistake").expect("Redis should accept the command");
    let batch: Vec<Value> = (0..50).map(|n| event("open", &format!("m{n}"))).collect();
    assert_eq!(mandrill.deliver(&batch).await.status, 200);
    let log = stack.folder().join("logs/ingest.log");
    until("the publisher logs the failure", || async {
        std::fs::read_to_string(&log).ok()?.contains("publishing is paused").then_some(())
    })
    .await;
    stack.redis("DEL ml:feed").expect("Redis should accept the command");
    follower.follow_until(|follower| follower.notifications.len() == 51 && follower.events.len() == 51).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_redis_fails_readiness_and_loses_no_event() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, mut follower) = connected_follower(&stack).await;
    stack.freeze(Part::Redis);
    assert_eq!(mandrill.deliver(&[event("open", "during")]).await.status, 200);
    until_readyz(&stack.direct(Part::Notifier), 503, "feed", "lost").await;
    stack.thaw(Part::Redis);
    follower.follow_until(|follower| follower.notifications.len() == 2).await;
    until_readyz(&stack.direct(Part::Notifier), 200, "feed", "live").await;
}

#[tokio::test]
async fn signing_out_closes_only_the_sockets_of_that_session() {
    let stack = Stack::start().expect("the stack should start");
    let (signed_out, signed_in) = (ApiClient::admin(&stack).await, ApiClient::admin(&stack).await);
    let (mut closed, mut open) = (Socket::of(&signed_out).await, Socket::of(&signed_in).await);
    open.subscribe(None).await;
    let request = signed_out.request(reqwest::Method::DELETE, "/api/session").header("x-requested-with", "fetch");
    assert_eq!(request.send().await.expect("the server should respond").status(), 204);
    assert_eq!(closed.closed().await, 4501);
    assert_eq!(Mandrill::of(&stack).deliver(&[event("open", "m1")]).await.status, 200);
    open.next_of("notification").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_notifier_closes_its_clients_with_1012() {
    let mut stack = Stack::start().expect("the stack should start");
    let mut socket = Socket::of(&ApiClient::admin(&stack).await).await;
    stack.stop(Part::Notifier);
    assert_eq!(socket.closed().await, 1012);
}

#[tokio::test]
async fn invalid_frames_are_rejected_without_affecting_others() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let mut bystander = Socket::of(&admin).await;
    bystander.subscribe(None).await;
    let mut socket = Socket::of(&admin).await;
    for frame in ["", "{", "[]", "null", r#"{"type":"shout"}"#, r#"{"type":"subscribe","topics":["everything"]}"#] {
        socket.stream.send(Message::text(frame)).await.expect("the frame should be sent");
        assert_eq!(socket.next_of("error").await["code"], "bad_frame", "{frame}");
    }
    socket.stream.send(Message::text("x".repeat(100_000))).await.expect("the frame should be sent");
    assert_eq!(socket.closed().await, 1009);
    let mut socket = Socket::of(&admin).await;
    socket.stream.send(Message::binary(vec![1, 2, 3])).await.expect("the frame should be sent");
    assert_eq!(socket.closed().await, 1003);
    let mut socket = Socket::of(&admin).await;
    for _ in 0..100 {
        let _ = socket.stream.send(Message::text("{}")).await;
    }
    assert_eq!(socket.closed().await, 4429);
    assert_eq!(Mandrill::of(&stack).deliver(&[event("open", "m1")]).await.status, 200);
    bystander.next_of("notification").await;
}
