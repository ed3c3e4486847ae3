//! `/sse`: the same frames as `/ws`, for clients without websockets, with the same access rules.

use front_door::delivery::event;
use front_door::wait::TIMEOUT;
use front_door::{ApiClient, Mandrill, Socket};
use reqwest::{Method, Response};
use serde_json::Value;
use stack::{Part, Stack};

/// An open event stream.
pub(super) struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    pub(super) async fn open(client: &ApiClient, query: &str, after: Option<&str>) -> Self {
        let mut request = client.request(Method::GET, &format!("/sse{query}")).header("sec-fetch-site", "same-origin");
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let response = request.send().await.expect("the server should respond");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next frame and its id, or `None` at the end of the stream.
    pub(super) async fn next(&mut self) -> Option<(Value, Option<String>)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let frame =
                    serde_json::from_str(&line("data: ").expect("an event should have data")).expect("the frame should be JSON");
                let next = (frame, line("id: "));
                self.text = rest.to_owned();
                return Some(next);
            }
            let chunk = tokio::time::timeout(TIMEOUT, self.response.chunk())
                .await
                .expect("data should arrive within a minute")
                .ok()??;
            self.text.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    /// Skips frames of other types and returns the next frame of this type.
    async fn next_of(&mut self, kind: &str) -> (Value, Option<String>) {
        let reading = async {
            loop {
                let next = self.next().await.expect("the stream should not end");
                if next.0["type"] == kind {
                    return next;
                }
            }
        };
        tokio::time::timeout(TIMEOUT, reading).await.unwrap_or_else(|_| panic!("timed out waiting for {kind}"))
    }

    /// Reads until the stream ends.
    async fn ended(&mut self) {
        let reading = async { while self.next().await.is_some() {} };
        tokio::time::timeout(TIMEOUT, reading).await.expect("the stream should end within a minute");
    }
}

#[tokio::test]
async fn sse_requires_the_same_session_and_origin_as_a_websocket() {
    let stack = Stack::start().expect("the stack should start");
    let own_origin = stack.address();
    let admin = ApiClient::admin(&stack).await;
    let anonymous = ApiClient::new(&stack);
    let table: [(&ApiClient, &str, &str, u16); 7] = [
        (&anonymous, "sec-fetch-site", "same-origin", 401),
        (&admin, "origin", "https://evil.example", 403),
        (&admin, "origin", "null", 403),
        (&admin, "sec-fetch-site", "cross-site", 403),
        (&admin, "accept", "text/event-stream", 403),
        (&admin, "origin", &own_origin, 200),
        (&admin, "sec-fetch-site", "same-origin", 200),
    ];
    for (client, name, value, expected) in table {
        let response = client.request(Method::GET, "/sse").header(name, value).send().await.expect("the server should respond");
        assert_eq!(response.status(), expected, "{name}: {value}");
    }
    let foreign =
        admin.request(Method::GET, "/sse").header("origin", "https://evil.example").header("sec-fetch-site", "same-origin");
    assert_eq!(
        foreign.send().await.expect("the server should respond").status(),
        403,
        "Origin should take precedence over Sec-Fetch-Site"
    );
    for (query, code) in [("?topics=gossip", "bad_topics"), ("?after=yesterday", "bad_cursor"), ("?colour=red", "bad_filter")] {
        let response = admin
            .request(Method::GET, &format!("/sse{query}"))
            .header("origin", &own_origin)
            .send()
            .await
            .expect("the server should respond");
        assert_eq!(response.status(), 400, "{query}");
        let problem: Value = response.json().await.expect("the body should be a problem document");
        assert_eq!(problem["code"], code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sse_carries_frames_resumes_and_ends_with_the_session() {
    let mut stack = Stack::start().expect("the stack should start");
    let (admin, mandrill) = (ApiClient::admin(&stack).await, Mandrill::of(&stack));
    let mut stream = Stream::open(&admin, "?topics=events&kind=open", None).await;
    assert_eq!(stream.next().await.expect("the stream should not end").0["type"], "hello");
    assert_eq!(stream.next_of("subscribed").await.0["recovered"], false);
    let mut socket = Socket::of(&admin).await;
    socket.subscribe(None).await;
    assert_eq!(mandrill.deliver(&[event("send", "m1"), event("open", "m1")]).await.status, 200);
    let (frame, id) = stream.next_of("events").await;
    assert_eq!((frame["items"].as_array().map(Vec::len), &frame["items"][0]["kind"]), (Some(1), &"open".into()));
    assert_eq!(frame["cursor"].as_str(), id.as_deref(), "the id should be the cursor");
    drop(stream);

    stack.kill(Part::Notifier);
    assert_eq!(mandrill.deliver(&[event("open", "m2"), event("click", "m2")]).await.status, 200);
    stack.restart(Part::Notifier).expect("the notifier should restart");
    let mut stream = Stream::open(&admin, "?topics=events&kind=open", id.as_deref()).await;
    assert_eq!(stream.next_of("subscribed").await.0["recovered"], true);
    assert_eq!(stream.next_of("events").await.0["items"][0]["message_id"], "m2");

    let request = admin.request(Method::DELETE, "/api/session").header("x-requested-with", "fetch");
    assert_eq!(request.send().await.expect("the server should respond").status(), 204);
    stream.ended().await;
    let again = admin
        .request(Method::GET, "/sse")
        .header("sec-fetch-site", "same-origin")
        .send()
        .await
        .expect("the server should respond");
    assert_eq!(again.status(), 401, "the status should stop the browser from reconnecting");
}
