//! User-to-user messages over HTTP, read markers and their synchronisation across pages, and notification rules.

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill, Socket};
use reqwest::Method;
use serde_json::{Value, json};
use stack::Stack;

/// Opens a socket to this notifier and subscribes to notifications.
async fn page(client: &ApiClient, address: &str) -> Socket {
    let mut socket = Socket::at(client, address).await;
    socket.send(&json!({"type": "subscribe", "topics": ["notifications"]})).await;
    socket.next_of("subscribed").await;
    socket
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_can_be_filtered_by_kind_sender_and_unread() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, vera) = (ApiClient::admin(&stack).await, ApiClient::viewer(&stack, "vera@example.com").await);
    assert_eq!(Mandrill::of(&stack).deliver(&[event("open", "m1"), event("open", "m2")]).await.status, 200);
    let sent = admin.post("/api/notifications", &json!({"to": "all", "title": "Look"})).await.json()["id"].clone();
    let admins = admin.get("/api/session").await.json()["user"]["id"].clone();
    let ids = async |filter: &str| -> Vec<Value> {
        let listed = vera.get(&format!("/api/notifications?{filter}")).await.json();
        listed["items"].as_array().expect("items should be an array").iter().map(|one| one["id"].clone()).collect()
    };
    assert_eq!(ids("kind=message").await, std::slice::from_ref(&sent));
    assert_eq!(ids(&format!("from_user={admins}")).await, std::slice::from_ref(&sent));
    assert_eq!(ids("kind=open").await.len(), 2);
    assert_eq!(ids("unread=true").await.len(), 3);
    vera.post("/api/notifications/read", &json!({"ids": [sent]})).await;
    assert_eq!(ids("unread=true").await, ids("kind=open").await);
    for bad in ["kind=colour", "from_user=x", "unread=maybe", "colour=red"] {
        assert_eq!(vera.get(&format!("/api/notifications?{bad}")).await.problem(), (400, "bad_page".to_owned()), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn read_marks_reach_all_pages_of_the_same_user_only() {
    let stack = Stack::start().expect("the stack should start");
    let other = stack.replica("notifier").expect("the replica should start");
    let (admin, vera) = (ApiClient::admin(&stack).await, ApiClient::viewer(&stack, "vera@example.com").await);
    let mut pages = [page(&vera, &stack.address()).await, page(&vera, &other.address()).await];
    let mut foreign = page(&admin, &stack.address()).await;
    assert_eq!(Mandrill::of(&stack).deliver(&[event("open", "m1"), event("open", "m2"), event("open", "m3")]).await.status, 200);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(pages[0].next_of("notification").await["id"].as_i64().expect("id should be an integer"));
        pages[1].next_of("notification").await;
    }
    let inbox = |client: ApiClient| async move { client.get("/api/notifications").await.json() };
    let listed = inbox(vera.clone()).await;
    assert_eq!((&listed["unread"], &listed["items"][0]["read"]), (&json!(3), &json!(false)));

    let response = vera.post("/api/notifications/read", &json!({"ids": [ids[1], 999_999]})).await;
    assert_eq!(response.json(), json!({"marked": [ids[1]], "unread": 2}));
    for page in &mut pages {
        let frame = page.next_of("read").await;
        assert_eq!((&frame["ids"][0], &frame["unread"], &frame["up_to"]), (&json!(ids[1]), &json!(2), &json!(null)));
    }
    let read = |listed: &Value| {
        listed["items"].as_array().expect("items should be an array").iter().map(|one| one["read"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(read(&inbox(vera.clone()).await), [json!(false), json!(true), json!(false)], "only the marked one should be read");

    // Marking twice has no further effect, and `up_to` may exceed the newest id.
    assert_eq!(vera.post("/api/notifications/read", &json!({"ids": [ids[1]]})).await.json(), json!({"marked": [], "unread": 2}));
    let all = vera.post("/api/notifications/read", &json!({"up_to": i64::MAX})).await.json();
    assert_eq!(all, json!({"marked": [ids[2], ids[0]], "unread": 0}));
    for page in &mut pages {
        page.read_until("read, with nothing unread", |frame| frame["type"] == "read" && frame["unread"] == 0).await;
    }
    assert_eq!(Mandrill::of(&stack).deliver(&[event("open", "m4")]).await.status, 200);
    pages[0].next_of("notification").await;
    assert_eq!(inbox(vera.clone()).await["unread"], 1);
    assert_eq!(inbox(admin.clone()).await["unread"], 4);

    // The other user's page receives the notifications but none of Vera's read markers.
    for _ in 0..4 {
        assert_eq!(foreign.next_of("notification").await["kind"], "open");
    }
    let sent = admin.post("/api/notifications", &json!({"to": "all", "title": "The end"})).await;
    assert_eq!(sent.status, 201);
    let last = foreign.read_until("the last notification", |frame| {
        assert_ne!(frame["type"], "read");
        frame["title"] == "The end"
    });
    assert_eq!(last.await["id"], sent.json()["id"]);
    assert_eq!(inbox(admin).await["unread"], 4, "a user's own message should count as read");
    let newcomer = ApiClient::viewer(&stack, "nina@example.com").await;
    assert_eq!(inbox(newcomer).await["unread"], 0, "a new user should have no unread notifications");
}

#[tokio::test(flavor = "multi_thread")]
async fn marking_as_read_can_be_undone() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, vera) = (ApiClient::admin(&stack).await, ApiClient::viewer(&stack, "vera@example.com").await);
    let mut page = page(&vera, &stack.address()).await;
    let opens: Vec<_> = (0..5).map(|n| event("open", &format!("m{n}"))).collect();
    assert_eq!(Mandrill::of(&stack).deliver(&opens).await.status, 200);
    let own = vera.post("/api/notifications", &json!({"to": "all", "title": "Mine"})).await.json()["id"].clone();
    let unread = async |client: &ApiClient| -> Vec<i64> {
        let listed = client.get("/api/notifications?unread=true").await.json();
        let items = listed["items"].as_array().expect("items should be an array");
        assert_eq!(listed["unread"], items.len(), "the count should equal the list");
        items.iter().map(|one| one["id"].as_i64().expect("id should be an integer")).collect()
    };
    let ids = unread(&vera).await;
    assert_eq!(ids.len(), 5);

    // Individual marks, then all of them: what one request has marked comes back, and nothing else.
    vera.post("/api/notifications/read", &json!({"ids": [ids[1], ids[3]]})).await;
    let all = vera.post("/api/notifications/read", &json!({"up_to": i64::MAX})).await.json();
    assert_eq!(all["marked"], json!([ids[0], ids[2], ids[4]]));
    let undone = vera.post("/api/notifications/unread", &json!({"ids": all["marked"]})).await;
    assert_eq!(undone.json(), json!({"unread": 3}));
    let frame = page.next_of("unread").await;
    assert_eq!((&frame["ids"], &frame["unread"]), (&json!([ids[0], ids[2], ids[4]]), &json!(3)));
    assert_eq!(unread(&vera).await, [ids[0], ids[2], ids[4]]);

    // Repeating it changes nothing. A user's own message and unknown ids stay as they are.
    let again = vera.post("/api/notifications/unread", &json!({"ids": [ids[0], own, 999_999]})).await;
    assert_eq!(again.json(), json!({"unread": 3}));
    vera.post("/api/notifications/unread", &json!({"ids": [ids[3]]})).await;
    assert_eq!(unread(&vera).await, [ids[0], ids[2], ids[3], ids[4]]);
    assert_eq!(vera.post("/api/notifications/read", &json!({"up_to": ids[3]})).await.json()["marked"], json!([ids[3], ids[4]]));
    assert_eq!(unread(&vera).await, [ids[0], ids[2]]);
    assert_eq!(unread(&admin).await.len(), 6, "another user's notifications should stay unread");
}

#[tokio::test]
async fn invalid_messages_and_read_marks_are_refused() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let (send, read, unread) = ("/api/notifications", "/api/notifications/read", "/api/notifications/unread");
    let table = [
        (send, json!({"to": "user:999999", "title": "x"}), (404, "no_such_user")),
        (send, json!({"to": "everybody", "title": "x"}), (400, "bad_audience")),
        (send, json!({"to": "all", "title": "  "}), (400, "bad_length")),
        (send, json!({"to": "all", "title": "x", "colour": "red"}), (400, "bad_json")),
        (read, json!({}), (400, "bad_json")),
        (read, json!({"ids": [1], "up_to": 1}), (400, "bad_json")),
        (read, json!({"ids": vec![1; 1_001]}), (400, "bad_json")),
        (unread, json!({"ids": []}), (400, "bad_json")),
        (unread, json!({"ids": vec![1; 1_001]}), (400, "bad_json")),
        (unread, json!({"up_to": 1}), (400, "bad_json")),
    ];
    for (path, body, (status, code)) in table {
        assert_eq!(admin.post(path, &body).await.problem(), (status, code.to_owned()), "{path} {body}");
    }
    let token = stack
        .ingest(&["token", "add", "t", "--user", "admin@example.com", "--scope", "read"])
        .expect("the token should be created");
    for path in [send, read, unread] {
        let body = json!({"to": "all", "title": "x"});
        let anonymous = ApiClient::new(&stack);
        assert_eq!(anonymous.post(path, &body).await.status, 401);
        let foreign =
            admin.request(Method::POST, path).header("x-requested-with", "fetch").header("origin", "https://evil.example");
        assert_eq!(foreign.json(&body).send().await.expect("the server should respond").status(), 403);
        assert_eq!(
            admin.request(Method::POST, path).json(&body).send().await.expect("the server should respond").status(),
            403,
            "a request without x-requested-with should be refused"
        );
        let by_token = anonymous.request(Method::POST, path).bearer_auth(token.trim()).json(&body);
        assert_eq!(by_token.send().await.expect("the server should respond").status(), 403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_select_notifications_live_and_in_the_history() {
    let stack = Stack::start().expect("the stack should start");
    let (admin, vera) = (ApiClient::admin(&stack).await, ApiClient::viewer(&stack, "vera@example.com").await);
    let mandrill = Mandrill::of(&stack);
    let standard = json!({"standard": true, "rules": [{"kinds": ["open"], "tag": null, "recipient": null}]});
    assert_eq!(vera.get("/api/rules").await.json(), standard);
    let rules = json!([
        {"kinds": ["hard_bounce", "spam"], "tag": "welcome", "recipient": ""},
        {"kinds": ["open"], "recipient": "VIP@example.com "},
    ]);
    let response = vera.change(Method::PUT, "/api/rules", &json!({"rules": rules})).await;
    assert_eq!(response.json()["rules"][1], json!({"kinds": ["open"], "tag": null, "recipient": "VIP@example.com"}));
    assert_eq!(vera.get("/api/rules").await.json(), response.json());

    let mut pages = [page(&admin, &stack.address()).await, page(&vera, &stack.address()).await];
    let mut untagged = event("spam", "m4");
    untagged["msg"]["tags"] = json!([]);
    let mut bounce = event("hard_bounce", "m3");
    bounce["msg"]["diag"] = json!("550 no such user");
    // A small batch is inserted with a single statement, a large one with COPY.
    let batch = [event("open", "m1"), event("open", "vip"), bounce, untagged, event("click", "m5")];
    assert_eq!(mandrill.deliver(&batch).await.status, 200);
    let mut many: Vec<Value> = (0..400).map(|n| event("send", &format!("s{n}"))).collect();
    for one in &mut many {
        one["padding"] = json!("x".repeat(1_000));
    }
    many.extend([event("spam", "m6"), event("open", "m7")]);
    assert_eq!(mandrill.deliver(&many).await.status, 200);
    admin.post("/api/notifications", &json!({"to": "all", "title": "The end"})).await;

    let expected = [
        vec!["m1@example.com opened “Letter m1”", "vip@example.com opened “Letter vip”", "m7@example.com opened “Letter m7”"],
        vec![
            "vip@example.com opened “Letter vip”",
            "“Letter m3” to m3@example.com bounced",
            "“Letter m6” to m6@example.com was marked as spam",
        ],
    ];
    for ((page, client), mut expected) in pages.iter_mut().zip([&admin, &vera]).zip(expected) {
        expected.push("The end");
        let mut live = Vec::new();
        while live.last().is_none_or(|title| title != "The end") {
            live.push(page.next_of("notification").await["title"].as_str().expect("title should be a string").to_owned());
        }
        // Within one publisher call, the two channels are ordered independently.
        live.sort();
        expected.sort_unstable();
        assert_eq!(live, expected);
        let inbox = client.get("/api/notifications").await.json();
        let mut listed: Vec<&str> = inbox["items"]
            .as_array()
            .expect("items should be an array")
            .iter()
            .map(|one| one["title"].as_str().expect("title should be a string"))
            .collect();
        listed.sort_unstable();
        assert_eq!(listed, expected);
    }
    // The API does not reveal whose rules selected a notification.
    let notifications = admin.get("/api/notifications").await.text;
    assert!(!notifications.contains("all-but") && !notifications.contains("users:"), "{notifications}");
    let events = vera.get("/api/notifications?kind=event").await.json();
    let bounce = &events["items"][1];
    assert_eq!((&bounce["body"], &bounce["recipient"]), (&json!("550 no such user"), &json!("m3@example.com")));
    assert_eq!(vera.get("/api/notifications").await.json()["unread"], 4);

    // An empty rule list disables event notifications. Deleting the list restores the defaults.
    assert_eq!(vera.change(Method::PUT, "/api/rules", &json!({"rules": []})).await.status, 200);
    assert_eq!(mandrill.deliver(&[event("open", "vip2"), event("spam", "m8")]).await.status, 200);
    assert_eq!(vera.change(Method::DELETE, "/api/rules", &json!({})).await.json(), standard);
    assert_eq!(mandrill.deliver(&[event("open", "m9")]).await.status, 200);
    assert_eq!(pages[1].next_of("notification").await["title"], "m9@example.com opened “Letter m9”");
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_rules_are_refused() {
    let stack = Stack::start().expect("the stack should start");
    let vera = ApiClient::viewer(&stack, "vera@example.com").await;
    let rule = |kinds: Value, recipient: &str| json!({"kinds": kinds, "tag": null, "recipient": recipient});
    let too_many: Vec<Value> = (0..21).map(|_| rule(json!(["open"]), "")).collect();
    for bad in [
        json!([rule(json!([]), "")]),
        json!([rule(json!([""]), "")]),
        json!([rule(json!(["open"]), "nobody")]),
        json!([rule(json!(["x".repeat(321)]), "")]),
        json!([rule(json!(["o\u{0}pen"]), "")]),
        json!(too_many),
    ] {
        let response = vera.change(Method::PUT, "/api/rules", &json!({"rules": bad})).await;
        assert_eq!(response.problem(), (400, "bad_rule".to_owned()), "{bad}");
    }
    assert_eq!(vera.get("/api/rules").await.json()["standard"], true);
    // Only rules can address lists of users.
    let response = vera.post("/api/notifications", &json!({"to": "users:1,2", "title": "Psst"})).await;
    assert_eq!(response.problem(), (400, "bad_audience".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn notification_pages_are_complete_for_users_addressed_by_few_of_many() {
    let stack = Stack::start().expect("the stack should start");
    let vera = ApiClient::viewer(&stack, "vera@example.com").await;
    let mut database = Database::of(&stack).await;
    database
        .run(
            "insert into notifications (kind, title, body, audience) values ('open', 'first', '', 'all'), ('message', 'letter', '', 'all');
             insert into notifications (kind, title, body, audience)
             select 'open', 'of no interest', '', 'all-but:' || users.id
             from users, generate_series(1, 150000) where email = 'vera@example.com'",
        )
        .await;
    let titles = |list: &Value| -> Vec<String> {
        list["items"]
            .as_array()
            .expect("items should be an array")
            .iter()
            .map(|one| one["title"].as_str().expect("title should be a string").to_owned())
            .collect()
    };
    let newest = vera.get("/api/notifications").await.json();
    assert!(titles(&newest).is_empty());
    let rest = vera
        .get(&format!("/api/notifications?cursor={}", newest["next"].as_str().expect("the page should have a cursor")))
        .await
        .json();
    assert_eq!((titles(&rest), &rest["next"]), (vec!["letter".to_owned(), "first".to_owned()], &Value::Null));
    // A filter by kind finds the message on the first page.
    assert_eq!(titles(&vera.get("/api/notifications?kind=message").await.json()), ["letter"]);
    // Postgres inlines the function `includes`.
    let plan = database.text("explain verbose select from notifications where includes(audience, 7, 'viewer')").await;
    assert!(plan.contains("string_to_array") && !plan.contains("includes("), "{plan}");
}
