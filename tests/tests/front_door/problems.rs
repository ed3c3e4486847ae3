//! Whatever is refused, and by whomever: a problem document that no cache keeps.

use front_door::{Answer, ApiClient};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use stack::Stack;

/// Status and code, after looking at what all refusals have.
fn refusal(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("cache-control"), "no-store", "{}", answer.text);
    let document = answer.json();
    assert_eq!(document["status"], answer.status.as_u16());
    assert!(document["title"].is_string() && document["detail"].is_string(), "{document}");
    answer.problem()
}

#[tokio::test]
async fn every_refusal_is_an_uncacheable_problem_document() {
    let stack = Stack::start().expect("a stack");
    let admin = ApiClient::admin(&stack).await;
    let ask = async |method: &str, path: &str, with: &dyn Fn(RequestBuilder) -> RequestBuilder| {
        let method: Method = method.parse().expect("a method");
        admin.answer(with(admin.request(method, path).header("x-requested-with", "fetch"))).await
    };
    let plain = |request: RequestBuilder| request;
    let with_body = |size: usize| move |request: RequestBuilder| request.json(&json!({"name": "x".repeat(size)}));
    let (long, longest) = (format!("/api/events?q={}", "x".repeat(9_000)), format!("/api/events?q={}", "x".repeat(30_000)));
    for (answer, status, code, allow) in [
        (ask("GET", "/api/nothing", &plain).await, 404, "not_found", ""),
        (ask("GET", "/api/events/x", &plain).await, 404, "not_found", ""),
        (ask("GET", "/assets/nothing.js", &plain).await, 404, "not_found", ""),
        (ask("DELETE", "/api/events", &plain).await, 405, "method_not_allowed", "GET"),
        (ask("PUT", "/api/session", &plain).await, 405, "method_not_allowed", "GET, POST, DELETE"),
        (ask("GET", "/api/quarantine/retry", &plain).await, 405, "method_not_allowed", "POST"),
        (ask("PATCH", "/api/views/1", &plain).await, 405, "method_not_allowed", "PUT, DELETE"),
        (ask("PUT", "/webhook", &plain).await, 405, "method_not_allowed", "GET, HEAD, POST"),
        // By nginx.
        (ask("TRACE", "/api/events", &plain).await, 405, "method_not_allowed", "GET, HEAD, POST, PUT, PATCH, DELETE"),
        (ask("POST", "/", &plain).await, 405, "method_not_allowed", "GET, HEAD"),
        (ask("POST", "/api/views", &with_body(100 << 10)).await, 413, "too_large", ""),
        (ask("POST", "/api/views", &with_body(2 << 20)).await, 413, "too_large", ""),
        (ask("GET", &long, &plain).await, 414, "too_long", ""),
        (ask("GET", &longest, &plain).await, 414, "too_long", ""),
        (ask("GET", "/api/events", &|request| request.header("x-long", "x".repeat(9_000))).await, 431, "too_long", ""),
    ] {
        assert_eq!(refusal(&answer), (status, code.to_owned()));
        assert_eq!(answer.header("allow"), allow, "{}", answer.text);
    }
}

#[tokio::test]
async fn bodies_must_be_objects_and_limits_count_characters() {
    let stack = Stack::start().expect("a stack");
    let admin = ApiClient::admin(&stack).await;
    let ask = async |path: &str, body: Value| admin.post(path, &body).await.status.as_u16();
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
        assert_eq!(ask(path, body.clone()).await, status, "{path} {}", body.to_string().chars().take(60).collect::<String>());
    }
    let filtered = async |count: usize| admin.get(&format!("/api/events?q={}", "%C3%A9".repeat(count))).await.status.as_u16();
    assert_eq!((filtered(1_024).await, filtered(1_025).await), (200, 400));
}
