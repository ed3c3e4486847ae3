//! Users, tokens, sessions and saved views: who can manage them, and which changes take effect immediately.

use front_door::{ApiClient, ApiResponse, Database, Socket};
use reqwest::Method;
use serde_json::{Value, json};
use stack::{Part, Stack};

const PASSWORD: &str = "a new password";

async fn invite(admin: &ApiClient, email: &str, role: &str) -> (i64, String) {
    let response = admin.post("/api/users", &json!({"email": email, "role": role})).await;
    assert_eq!(response.status, 201, "{}", response.text);
    let response = response.json();
    assert_eq!((&response["user"]["email"], &response["user"]["has_password"]), (&json!(email), &json!(false)));
    (
        response["user"]["id"].as_i64().expect("id should be an integer"),
        response["invitation"]["token"].as_str().expect("token should be a string").to_owned(),
    )
}

/// Sets a password using the invitation token and keeps the session.
async fn accept_invitation(stack: &Stack, token: &str) -> ApiClient {
    let mut client = ApiClient::new(stack);
    let response = client.post("/api/invitation", &json!({"token": token, "password": PASSWORD})).await;
    assert_eq!(response.status, 200, "{}", response.text);
    client.keep_cookie(&response);
    client
}

async fn is_signed_in(client: &ApiClient) -> bool {
    !client.get("/api/session").await.json()["user"].is_null()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_works_once_and_account_changes_apply_immediately() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let (id, first) = invite(&admin, "ada@example.com", "viewer").await;
    assert_eq!(
        admin.post("/api/users", &json!({"email": "ADA@example.com", "role": "viewer"})).await.problem(),
        (409, "user_exists".to_owned())
    );
    // A new invitation invalidates the previous one. An invitation shows its e-mail address. A weak password is rejected.
    let renewed = admin.post(&format!("/api/users/{id}/invitation"), &json!({})).await;
    let token = renewed.json()["token"].as_str().expect("token should be a string").to_owned();
    let client = ApiClient::new(&stack);
    assert_eq!(client.post("/api/invitation", &json!({"token": first})).await.problem(), (410, "invitation_gone".to_owned()));
    assert_eq!(client.post("/api/invitation", &json!({"token": token})).await.json()["email"], "ada@example.com");
    let weak = client.post("/api/invitation", &json!({"token": token, "password": "short"})).await;
    assert_eq!(weak.problem(), (400, "bad_password".to_owned()));
    let ada = accept_invitation(&stack, &token).await;
    assert!(is_signed_in(&ada).await);
    let again = client.post("/api/invitation", &json!({"token": token, "password": PASSWORD})).await;
    assert_eq!(again.problem(), (410, "invitation_gone".to_owned()));

    // Changing the password requires the old one and ends the user's other sessions.
    let mut other = ApiClient::new(&stack);
    assert_eq!(other.sign_in("ada@example.com", PASSWORD).await.status, 200);
    let sessions = ada.get("/api/sessions").await.json();
    assert_eq!(sessions["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        sessions["items"].as_array().expect("items should be an array").iter().filter(|one| one["current"] == true).count(),
        1
    );
    let guess = ada.post("/api/password", &json!({"old": "a wrong guess", "new": "another password"})).await;
    assert_eq!(guess.problem(), (401, "wrong_credentials".to_owned()));
    let changed = ada.post("/api/password", &json!({"old": PASSWORD, "new": "another password"})).await;
    assert_eq!(changed.status, 204, "{}", changed.text);
    assert!(is_signed_in(&ada).await && !is_signed_in(&other).await);

    // A new role takes effect on the next request. Disabling an account ends its sessions and closes its sockets.
    let account = format!("/api/users/{id}");
    assert_eq!(ada.get("/api/quarantine").await.status, 403);
    assert_eq!(admin.change(Method::PATCH, &account, &json!({"role": "admin"})).await.json()["role"], "admin");
    assert_eq!(ada.get("/api/quarantine").await.status, 200);
    let mut socket = Socket::of(&ada).await;
    assert_eq!(admin.change(Method::PATCH, &account, &json!({"disabled": true})).await.json()["disabled"], true);
    assert!(!is_signed_in(&ada).await);
    assert_eq!(socket.closed().await, 4501);
    assert_eq!(ApiClient::new(&stack).sign_in("ada@example.com", "another password").await.status, 401);
    let own_id = admin.get("/api/session").await.json()["user"]["id"].clone();
    let own_account = admin.change(Method::PATCH, &format!("/api/users/{own_id}"), &json!({"disabled": true})).await;
    assert_eq!(own_account.problem(), (409, "own_account".to_owned()));

    // The audit log refers to users by id, not by e-mail address.
    let audit = admin.get("/api/audit").await;
    let actions: Vec<Value> =
        audit.json()["items"].as_array().expect("items should be an array").iter().map(|one| one["action"].clone()).collect();
    assert_eq!(actions, ["user_changed", "user_changed", "user_invited", "user_added"]);
    assert!(!audit.text.contains("ada@"), "{}", audit.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_grants_its_scope_and_fails_after_revocation() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let created = admin.post("/api/tokens", &json!({"name": "reports", "scopes": ["read"]})).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let token = created.json()["token"].as_str().expect("token should be a string").to_owned();
    let by_token = async |method: Method, path: &str| {
        let client = ApiClient::new(&stack);
        client.send(client.request(method, path).bearer_auth(&token).json(&json!({}))).await
    };
    assert_eq!(by_token(Method::GET, "/api/events").await.status, 200);
    // A token cannot be used to manage anything, even if it was created by an admin.
    for (method, path) in [
        (Method::GET, "/api/tokens"),
        (Method::POST, "/api/tokens"),
        (Method::POST, "/api/users"),
        (Method::GET, "/api/sessions"),
        (Method::POST, "/api/password"),
        (Method::POST, "/api/views"),
        (Method::POST, "/api/recipients/ada@example.com/erase"),
        (Method::POST, "/webhook/"),
    ] {
        assert_eq!(by_token(method, path).await.status, 403, "{path}");
    }
    let listed = admin.get("/api/tokens").await;
    assert!(!listed.text.contains(&token));
    let item = &listed.json()["items"][0];
    assert_eq!((&item["name"], &item["scopes"]), (&json!("reports"), &json!(["read"])));
    assert!(item["last_used_at"].is_string(), "{item}");
    let path = format!("/api/tokens/{}", item["id"]);
    assert_eq!(admin.change(Method::DELETE, &path, &json!({})).await.status, 204);
    assert_eq!(by_token(Method::GET, "/api/events").await.status, 401);
    assert_eq!(admin.change(Method::DELETE, &path, &json!({})).await.status, 404);
    for bad in
        [json!({"name": "", "scopes": ["read"]}), json!({"name": "x", "scopes": ["write"]}), json!({"name": "x", "scopes": []})]
    {
        assert_eq!(admin.post("/api/tokens", &bad).await.problem(), (400, "bad_json".to_owned()), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_views_are_private_until_shared() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let ada = ApiClient::viewer(&stack, "ada@example.com").await;
    let names = async |of: &ApiClient| -> Vec<String> {
        let views = of.get("/api/views").await.json();
        views["items"]
            .as_array()
            .expect("items should be an array")
            .iter()
            .map(|view| view["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let view = |name: &str, shared: bool| json!({"name": name, "query": "kind=open&tag=vip", "shared": shared});
    let created = ada.post("/api/views", &view("Bounces", false)).await;
    assert_eq!((created.status.as_u16(), &created.json()["mine"]), (201, &json!(true)));
    assert_eq!(ada.post("/api/views", &view("Bounces", true)).await.problem(), (409, "view_exists".to_owned()));
    assert!(names(&admin).await.is_empty());
    let path = format!("/api/views/{}", created.json()["id"]);
    assert_eq!(admin.change(Method::DELETE, &path, &json!({})).await.status, 404);
    assert_eq!(ada.change(Method::PUT, &path, &view("VIP bounces", true)).await.json()["name"], "VIP bounces");
    assert_eq!(names(&admin).await, ["VIP bounces"]);
    let bo = ApiClient::viewer(&stack, "bo@example.com").await;
    assert_eq!(bo.change(Method::PUT, &path, &view("Mine now", true)).await.status, 403);
    assert_eq!(admin.change(Method::DELETE, &path, &json!({})).await.status, 204);
    assert!(names(&ada).await.is_empty());
    let unnamed: ApiResponse = ada.post("/api/views", &view(" ", false)).await;
    assert_eq!(unnamed.problem(), (400, "bad_json".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_permits_no_more_than_the_present_role_of_its_user() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let (id, token) = invite(&admin, "ada@example.com", "admin").await;
    let ada = accept_invitation(&stack, &token).await;
    let created = ada.post("/api/tokens", &json!({"name": "tests", "scopes": ["read", "simulate"]})).await.json();
    let token = created["token"].as_str().expect("token should be a string").to_owned();
    let by_token = async |method: Method, path: &str, body: Value| {
        let client = ApiClient::new(&stack);
        // The name of the scheme has no case.
        let request = client.request(method, path).header("authorization", format!("bEARER  {token}")).json(&body);
        client.send(request).await.status.as_u16()
    };
    let simulate = || by_token(Method::POST, "/webhook/", json!({"mandrill_events": []}));
    let retry = || by_token(Method::POST, "/api/quarantine/retry", json!({"select": {"ids": [1]}, "dry_run": true}));
    assert_eq!((simulate().await, retry().await), (200, 200));
    admin.change(Method::PATCH, &format!("/api/users/{id}"), &json!({"role": "viewer"})).await;
    assert_eq!((simulate().await, retry().await), (403, 403));
    assert_eq!(by_token(Method::GET, "/api/events", Value::Null).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_ends_when_its_user_is_disabled_and_each_user_has_two() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    Database::of(&stack).await.fill_events(60_000).await;
    let (id, token) = invite(&admin, "ada@example.com", "viewer").await;
    let ada = accept_invitation(&stack, &token).await;
    // Past nginx, whose buffers would hold much of the export.
    let address = format!("{}/api/events/export?format=ndjson", stack.direct(Part::Ingest));
    let cookie = ada.cookie.clone().expect("ada should be signed in");
    let http = reqwest::Client::new();
    let export = || http.get(&address).header("cookie", &cookie).send();
    let mut first = export().await.expect("ingest should respond");
    let second = export().await.expect("ingest should respond");
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    let third = export().await.expect("ingest should respond");
    assert_eq!((third.status().as_u16(), third.headers().contains_key("retry-after")), (429, true));
    drop(second);
    first.chunk().await.expect("the export should begin").expect("the export should not be empty");

    admin.change(Method::PATCH, &format!("/api/users/{id}"), &json!({"disabled": true})).await;
    let rest = async {
        while first.chunk().await?.is_some() {}
        Ok::<_, reqwest::Error>(())
    };
    assert!(rest.await.is_err(), "the export should be aborted, not end as if it were complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_exceed_no_limit_and_leave_an_admin() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let add = |name: String| {
        let admin = &admin;
        async move { admin.post("/api/views", &json!({"name": name, "query": "", "shared": false})).await.status.as_u16() }
    };
    for number in 0..95 {
        assert_eq!(add(format!("view {number}")).await, 201);
    }
    let added = futures::future::join_all((95..115).map(|number| add(format!("view {number}")))).await;
    assert_eq!(added.iter().filter(|status| **status == 201).count(), 5, "{added:?}");
    assert!(added.iter().all(|status| matches!(status, 201 | 409)), "{added:?}");
    // Of several requests that give a view the same name, one succeeds.
    let views = admin.get("/api/views").await.json();
    let ids: Vec<i64> = views["items"].as_array().into_iter().flatten().take(10).filter_map(|view| view["id"].as_i64()).collect();
    let rename = |id: &i64| {
        let (admin, path) = (&admin, format!("/api/views/{id}"));
        async move { admin.change(Method::PUT, &path, &json!({"name": "same", "query": "", "shared": false})).await.status.as_u16() }
    };
    let renamed = futures::future::join_all(ids.iter().map(rename)).await;
    assert_eq!(renamed.iter().filter(|status| **status == 200).count(), 1, "{renamed:?}");
    assert!(renamed.iter().all(|status| matches!(status, 200 | 409)), "{renamed:?}");

    let own_id = admin.get("/api/session").await.json()["user"]["id"].as_i64().expect("an id");
    let (id, token) = invite(&admin, "ada@example.com", "admin").await;
    let ada = accept_invitation(&stack, &token).await;
    let mut database = Database::of(&stack).await;
    for _ in 0..10 {
        let demote = async |client: &ApiClient, id: i64| {
            client.change(Method::PATCH, &format!("/api/users/{id}"), &json!({"role": "viewer"})).await.status.as_u16()
        };
        let (first, second) = tokio::join!(demote(&admin, id), demote(&ada, own_id));
        assert!([first, second].iter().all(|status| matches!(status, 200 | 403 | 409)), "{first} {second}");
        assert_eq!(database.count("users where role = 'admin'").await, 1);
        database.run("update users set role = 'admin'").await;
    }
}
