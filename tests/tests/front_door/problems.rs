//! Every error response, from nginx or from a service, is a problem document with `no-store`.

use front_door::{ApiClient, ApiResponse};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use stack::Stack;

/// Checks the parts common to all error responses and returns the status and code.
fn refusal(response: &ApiResponse) -> (u16, String) {
    assert_eq!(response.header("cache-control"), "no-store", "{}", response.text);
    let document = response.json();
    assert_eq!(document["status"], response.status.as_u16());
    assert!(document["title"].is_string() && document["detail"].is_string(), "{document}");
    response.problem()
}

#[tokio::test]
async fn every_refusal_is_an_uncacheable_problem_document() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let send = async |method: &str, path: &str, with: &dyn Fn(RequestBuilder) -> RequestBuilder| {
        let method: Method = method.parse().expect("the method should be valid");
        admin.send(with(admin.request(method, path).header("x-requested-with", "fetch"))).await
    };
    let plain = |request: RequestBuilder| request;
    let with_body = |size: usize| move |request: RequestBuilder| request.json(&json!({"name": "x".repeat(size)}));
    let (long, longest) = (format!("/api/events?q={}", "x".repeat(9_000)), format!("/api/events?q={}", "x".repeat(30_000)));
    for (response, status, code, allow) in [
        (send("GET", "/api/nothing", &plain).await, 404, "not_found", ""),
        (send("GET", "/api/events/x", &plain).await, 404, "not_found", ""),
        (send("GET", "/assets/nothing.js", &plain).await, 404, "not_found", ""),
        (send("DELETE", "/api/events", &plain).await, 405, "method_not_allowed", "GET"),
        (send("PUT", "/api/session", &plain).await, 405, "method_not_allowed", "GET, POST, DELETE"),
        (send("GET", "/api/quarantine/retry", &plain).await, 405, "method_not_allowed", "POST"),
        (send("PATCH", "/api/views/1", &plain).await, 405, "method_not_allowed", "PUT, DELETE"),
        (send("PUT", "/webhook", &plain).await, 405, "method_not_allowed", "GET, HEAD, POST"),
        // nginx rejects these two methods.
        (send("TRACE", "/api/events", &plain).await, 405, "method_not_allowed", "GET, HEAD, POST, PUT, PATCH, DELETE"),
        (send("POST", "/", &plain).await, 405, "method_not_allowed", "GET, HEAD"),
        (send("POST", "/api/views", &with_body(100 << 10)).await, 413, "too_large", ""),
        (send("POST", "/api/views", &with_body(2 << 20)).await, 413, "too_large", ""),
        (send("GET", &long, &plain).await, 414, "too_long", ""),
        (send("GET", &longest, &plain).await, 414, "too_long", ""),
        (send("GET", "/api/events", &|request| request.header("x-long", "x".repeat(9_000))).await, 431, "too_long", ""),
        // nginx itself rejects these. It closes the connection after a 412 without saying so, thus the client closes it first.
        (
            send("GET", "/", &|request| request.header("if-match", "\"x\"").header("connection", "close")).await,
            412,
            "refused",
            "",
        ),
        (send("POST", "/api/session/", &with_body(20 << 10)).await, 413, "too_large", ""),
    ] {
        assert_eq!(refusal(&response), (status, code.to_owned()));
        assert_eq!(response.header("allow"), allow, "{}", response.text);
    }
}

#[tokio::test]
async fn bodies_must_be_objects_and_limits_count_characters() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let send = async |path: &str, body: Value| admin.post(path, &body).await.status.as_u16();
    let wide = |count: usize| "\u{20ac}".repeat(count);
    for (path, body, status) in [
        ("/api/tokens", json!(["name", ["read"]]), 400),
        ("/api/session", json!(["ada@example.com", "a password"]), 400),
        ("/api/quarantine/retry", json!({"select": [null, null, null, null], "dry_run": true}), 400),
        ("/api/quarantine/retry", json!({"select": {}, "dry_run": true}), 200),
        ("/api/tokens", json!({"name": "x", "scopes": ["write"]}), 400),
        ("/api/users", json!({"email": "@", "role": "viewer"}), 400),
        ("/api/notifications", json!({"to": "all", "title": wide(200), "body": wide(2_000)}), 201),
        ("/api/notifications", json!({"to": "all", "title": wide(201)}), 400),
        ("/api/views", json!({"name": "x", "query": wide(4_096), "shared": false}), 201),
        ("/api/views", json!({"name": "y", "query": wide(4_097), "shared": false}), 400),
    ] {
        assert_eq!(send(path, body.clone()).await, status, "{path} {}", body.to_string().chars().take(60).collect::<String>());
    }
    let filtered = async |count: usize| admin.get(&format!("/api/events?q={}", "%C3%A9".repeat(count))).await.status.as_u16();
    assert_eq!((filtered(1_024).await, filtered(1_025).await), (200, 400));
}

#[tokio::test]
async fn a_trailing_slash_escapes_no_rule() {
    let stack = Stack::start().expect("the stack should start");
    for path in ["/api/session", "/api/session/", "//api/session/"] {
        let client = ApiClient::new(&stack);
        let statuses = futures::future::join_all((0..40).map(|_| async {
            let body = json!({"email": "nobody@example.com", "password": "x"});
            let request = client.request(Method::POST, path).header("x-requested-with", "fetch").json(&body);
            client.send(request).await.status.as_u16()
        }));
        let statuses = statuses.await;
        assert!(statuses.iter().all(|status| [401, 404, 429].contains(status)), "{path}: {statuses:?}");
        assert!(statuses.contains(&429), "{path}: {statuses:?}");
    }
}

#[tokio::test]
async fn a_full_spool_is_answered_with_a_problem_document() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    // nginx can write no body to a directory that is a file.
    let spool = stack.folder().join("nginx/body");
    std::fs::remove_dir_all(&spool).expect("the spool should be a directory");
    std::fs::write(&spool, "").expect("the file should be written");
    let large = json!({"name": "x".repeat(50 << 10)});
    assert_eq!(refusal(&admin.post("/api/views", &large).await), (503, "away".to_owned()));
    let mandrill = front_door::Mandrill::of(&stack);
    let response = mandrill.post(format!("mandrill_events={}", "x".repeat(50 << 10)), Some("x")).await;
    assert_eq!(refusal(&response), (503, "away".to_owned()));
}
