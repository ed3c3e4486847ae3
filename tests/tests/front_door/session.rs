//! Signing in and out, throttling, and access without a session.

use front_door::{ApiClient, ApiResponse};
use reqwest::Method;
use serde_json::{Value, json};
use stack::{Part, Stack};

#[tokio::test]
async fn the_session_cookie_is_valid_until_sign_out() {
    let stack = Stack::start().expect("the stack should start");
    let mut client = ApiClient::new(&stack);
    assert_eq!(client.get("/api/session").await.json(), json!({"user": null, "single_sign_on": null, "feed": null}));
    let settings = stack.settings().clone();
    let response = client.sign_in(&settings.admin_email.to_uppercase(), &settings.admin_password).await;
    assert_eq!(response.status, 200);
    let cookie = response.header("set-cookie");
    for flag in ["sid=", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(flag), "{flag} in {cookie}");
    }
    assert!(!cookie.contains("Secure"), "a stack without HTTPS should not set Secure");
    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(client.get("/api/session").await.json()["user"]["role"], "admin");
    let first = client.cookie.clone();
    client.sign_in(&settings.admin_email, &settings.admin_password).await;
    assert_ne!(client.cookie, first, "each sign-in should have a new session id");

    let plain = client.request(Method::DELETE, "/api/session").send().await.expect("the server should respond");
    assert_eq!(plain.status(), 403, "signing out should require x-requested-with");
    let request = client.request(Method::DELETE, "/api/session").header("x-requested-with", "fetch");
    let response = ApiResponse::try_fetch(request).await.expect("the server should respond");
    assert_eq!(response.status, 204);
    assert!(response.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(client.get("/api/events").await.problem(), (401, "signed_out".to_owned()), "the old cookie should be invalid");
}

#[tokio::test]
async fn the_session_cookie_is_secure_over_https() {
    let stack = Stack::start_with(&[("PUBLIC_ORIGINS", "https://mail.example.com")]).expect("the stack should start");
    let settings = stack.settings();
    let response = ApiClient::new(&stack).sign_in(&settings.admin_email, &settings.admin_password).await;
    let cookie = response.header("set-cookie");
    assert!(cookie.starts_with("__Host-sid=") && cookie.contains("; Secure"), "{cookie}");
}

#[tokio::test]
async fn wrong_credentials_reveal_nothing_and_are_throttled() {
    let stack = Stack::start().expect("the stack should start");
    let mut client = ApiClient::new(&stack);
    let (email, password) = (stack.settings().admin_email.clone(), stack.settings().admin_password.clone());
    let wrong = client.sign_in(&email, "wrong password").await;
    let unknown = client.sign_in("nobody@example.com", "wrong password").await;
    assert_eq!(wrong.problem(), (401, "wrong_credentials".to_owned()));
    assert_eq!(wrong.text, unknown.text);
    assert_eq!(client.sign_in("a\0b@example.com", "x").await.problem(), (401, "wrong_credentials".to_owned()));
    for _ in 0..9 {
        assert_eq!(client.sign_in(&email, "wrong password").await.status, 401);
    }
    let throttled = client.sign_in(&email, &password).await;
    assert_eq!(throttled.problem(), (429, "throttled".to_owned()), "the correct password should be throttled too");
    assert!(throttled.header("retry-after").parse::<u64>().is_ok_and(|seconds| (1..=900).contains(&seconds)));
    assert!(client.cookie.is_none());

    // The owner signs in from another network, which nginx passes on.
    let from_elsewhere = reqwest::Client::new()
        .post(format!("{}/api/session", stack.direct(Part::Ingest)))
        .header("x-real-ip", "203.0.113.9")
        .header("x-requested-with", "fetch")
        .json(&json!({"email": email, "password": password}));
    assert_eq!(from_elsewhere.send().await.expect("ingest should respond").status(), 200);
}

#[tokio::test]
async fn concurrent_password_guesses_are_throttled() {
    let stack = Stack::start().expect("the stack should start");
    let email = stack.settings().admin_email.clone();
    let mut client = ApiClient::new(&stack);
    client.address = stack.direct(Part::Ingest);
    let guesses = (0..30).map(|_| {
        let (mut client, email) = (client.clone(), email.clone());
        tokio::spawn(async move { client.sign_in(&email, "wrong password").await.status.as_u16() })
    });
    let responses: Vec<u16> =
        futures::future::join_all(guesses).await.into_iter().map(|status| status.expect("the task should not panic")).collect();
    let checked = responses.iter().filter(|status| **status == 401).count();
    assert_eq!((checked, responses.iter().filter(|status| **status == 429).count()), (10, 20), "{responses:?}");
}

#[tokio::test]
async fn a_foreign_origin_cannot_sign_a_user_in() {
    let stack = Stack::start().expect("the stack should start");
    let settings = stack.settings();
    let body = json!({"email": settings.admin_email, "password": settings.admin_password});
    let request = || ApiClient::new(&stack).request(Method::POST, "/api/session").json(&body);
    let plain = ApiResponse::try_fetch(request()).await.expect("the server should respond");
    assert_eq!(plain.problem(), (403, "foreign_origin".to_owned()));
    let foreign = request().header("x-requested-with", "fetch").header("origin", "https://evil.example");
    assert_eq!(
        ApiResponse::try_fetch(foreign).await.expect("the server should respond").problem(),
        (403, "foreign_origin".to_owned())
    );
    let ours = request().header("x-requested-with", "fetch").header("origin", stack.address());
    assert_eq!(ApiResponse::try_fetch(ours).await.expect("the server should respond").status, 200);
}

#[tokio::test]
async fn signed_out_clients_see_no_data() {
    let stack = Stack::start().expect("the stack should start");
    let mut forged = ApiClient::new(&stack);
    forged.cookie = Some("sid=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned());
    for client in [ApiClient::new(&stack), forged] {
        for path in ["/api/events", "/api/events/1", "/api/events/1/raw", "/api/notifications", "/api/users", "/webhook/"] {
            assert_eq!(client.get(path).await.problem(), (401, "signed_out".to_owned()), "{path}");
        }
        let socket = ApiResponse::try_fetch(client.request(Method::GET, "/ws")).await.expect("the server should respond");
        assert_eq!(socket.problem(), (401, "signed_out".to_owned()));
    }
    for path in ["/metrics", "/readyz"] {
        let response = ApiClient::new(&stack).get(path).await;
        assert!(
            response.text.contains("<!doctype html>") || response.text.contains("<!DOCTYPE html>"),
            "nginx should not serve {path}"
        );
    }
}

#[tokio::test]
async fn every_response_has_the_security_headers() {
    let stack = Stack::start().expect("the stack should start");
    let client = ApiClient::admin(&stack).await;
    for path in ["/", "/deep/link", "/assets/missing.js", "/api/events", "/api/nothing", "/webhook/"] {
        let response = client.get(path).await;
        let policy = response.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("require-trusted-types-for 'script'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(response.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(response.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(response.headers.get_all("cache-control").iter().count(), 1, "{path}");
    }
    let missing = client.get("/assets/missing.js").await;
    assert_eq!((missing.status.as_u16(), missing.header("cache-control")), (404, "no-store"));
    assert_eq!(client.get("/deep/link").await.status, 200);
    assert_eq!(client.get("/api/nothing").await.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn user_add_checks_its_arguments_and_changes_end_sessions() {
    let stack = Stack::start().expect("the stack should start");
    let add = |arguments: &[&str]| stack.ingest(&[&["user", "add"], arguments].concat());
    assert!(add(&["bo@example.com", "--password", "short"]).is_err());
    assert!(add(&["no address", "--password", "long enough to pass"]).is_err());
    assert!(add(&["bo@example.com", "--password", "long enough to pass", "--role", "root"]).is_err());
    assert!(add(&["bo@example.com", "--password", "long enough to pass"]).is_ok());
    assert!(add(&["BO@example.com", "--password", "long enough to pass"]).is_err(), "the address should be taken");
    let mut bo = ApiClient::new(&stack);
    assert_eq!(bo.sign_in("bo@example.com", "long enough to pass").await.status, 200);
    assert!(add(&["bo@example.com", "--password", "another long password", "--if-there", "replace", "--role", "admin"]).is_ok());
    assert_eq!(bo.get("/api/session").await.json()["user"], Value::Null, "a new password should end the sessions");
    assert_eq!(bo.sign_in("bo@example.com", "another long password").await.json()["user"]["role"], "admin");
    for (if_there, password) in [("replace", "another long password"), ("keep", "a third long password")] {
        let role = "--role=admin";
        assert!(add(&["bo@example.com", "--password", password, "--if-there", if_there, role]).is_ok());
        assert_eq!(
            bo.get("/api/session").await.json()["user"]["role"],
            "admin",
            "{if_there}: without a change, the session should stay"
        );
    }
}
