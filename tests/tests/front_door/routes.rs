//! Access rules for every route and every kind of caller.

use std::collections::BTreeSet;
use std::fs;

use front_door::ApiClient;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use stack::{Stack, paths};

/// A method, a path, and the expected statuses for eight callers: signed out, viewer, operator, admin, token with scope `read`, token with
/// scope `simulate`, an admin's browser on another site's page, and an admin's cookie without the header that only the dashboard's
/// script sends. 0 means that the caller reaches the handler, whatever status the handler returns.
pub(crate) type Row = (&'static str, &'static str, [u16; 8]);

const OPEN: [u16; 8] = [0; 8];
const READ: [u16; 8] = [401, 0, 0, 0, 0, 403, 0, 0];
const OPERATE: [u16; 8] = [401, 403, 0, 0, 0, 403, 0, 0];
/// Tokens need both scopes, so a token with only one of them is rejected.
const OPERATE_CHANGE: [u16; 8] = [401, 403, 0, 0, 403, 403, 403, 403];
const AUDIT: [u16; 8] = [401, 403, 403, 0, 0, 403, 0, 0];
const MANAGE: [u16; 8] = [401, 403, 403, 0, 403, 403, 0, 0];
const MANAGE_CHANGE: [u16; 8] = [401, 403, 403, 0, 403, 403, 403, 403];
const OWN: [u16; 8] = [401, 0, 0, 0, 403, 403, 0, 0];
const OWN_CHANGE: [u16; 8] = [401, 0, 0, 0, 403, 403, 403, 403];
const ENTER: [u16; 8] = [0, 0, 0, 0, 0, 0, 403, 403];
const SIMULATE: [u16; 8] = [401, 403, 0, 0, 403, 0, 403, 403];

/// The routes in `ingest/src/http/router.rs`.
pub(crate) const ROWS: [Row; 56] = [
    ("POST", "/webhook/", SIMULATE),
    ("HEAD", "/webhook/", OPEN),
    ("GET", "/webhook/", READ),
    ("GET", "/api/openapi.json", OPEN),
    ("GET", "/api/session", OPEN),
    ("POST", "/api/session", ENTER),
    ("GET", "/api/events", READ),
    ("GET", "/api/events/histogram", READ),
    ("GET", "/api/complete", READ),
    ("GET", "/api/events/export", READ),
    ("GET", "/api/events/{id}", READ),
    ("GET", "/api/events/{id}/raw", READ),
    ("GET", "/api/messages/{id}", READ),
    ("GET", "/api/recipients/{email}", READ),
    ("POST", "/api/recipients/{email}/erase", MANAGE_CHANGE),
    ("GET", "/api/stats", READ),
    ("GET", "/api/stats/audience", READ),
    ("GET", "/api/notifications", READ),
    ("POST", "/api/notifications", OWN_CHANGE),
    ("POST", "/api/notifications/read", OWN_CHANGE),
    ("POST", "/api/notifications/unread", OWN_CHANGE),
    ("GET", "/api/session/oidc", [404; 8]),
    ("GET", "/api/session/oidc/callback", [404; 8]),
    ("GET", "/api/rules", READ),
    ("PUT", "/api/rules", OWN_CHANGE),
    ("DELETE", "/api/rules", OWN_CHANGE),
    ("GET", "/api/views", READ),
    ("POST", "/api/views", OWN_CHANGE),
    ("PUT", "/api/views/{id}", OWN_CHANGE),
    ("DELETE", "/api/views/{id}", OWN_CHANGE),
    ("GET", "/api/users", READ),
    ("POST", "/api/users", MANAGE_CHANGE),
    ("PATCH", "/api/users/{id}", MANAGE_CHANGE),
    ("POST", "/api/users/{id}/invitation", MANAGE_CHANGE),
    ("POST", "/api/invitation", ENTER),
    ("POST", "/api/password", OWN_CHANGE),
    ("GET", "/api/tokens", MANAGE),
    ("POST", "/api/tokens", MANAGE_CHANGE),
    ("PATCH", "/api/tokens/{id}", MANAGE_CHANGE),
    ("DELETE", "/api/tokens/{id}", MANAGE_CHANGE),
    ("POST", "/api/restrictions/preview", MANAGE_CHANGE),
    ("GET", "/api/roles", MANAGE),
    ("PATCH", "/api/roles/{role}", MANAGE_CHANGE),
    ("GET", "/api/sessions", OWN),
    ("DELETE", "/api/sessions/{id}", OWN_CHANGE),
    ("POST", "/api/sessions/end", OWN_CHANGE),
    ("GET", "/api/audit", AUDIT),
    ("GET", "/api/quarantine", OPERATE),
    ("GET", "/api/quarantine/{id}", OPERATE),
    ("GET", "/api/quarantine/{id}/raw", OPERATE),
    ("POST", "/api/quarantine/retry", OPERATE_CHANGE),
    ("POST", "/api/quarantine/discard", OPERATE_CHANGE),
    ("GET", "/api/system", OPERATE),
    ("GET", "/api/refusals", OPERATE),
    // Ends the caller's session; routes that need a session cannot be called after this one.
    ("DELETE", "/api/session", OWN_CHANGE),
    ("GET", "/api/nothing", [404; 8]),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_route_admits_exactly_the_callers_in_the_table() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let viewer = ApiClient::viewer(&stack, "vera@example.com").await;
    let operator = ApiClient::viewer(&stack, "oscar@example.com").await;
    let id = operator.get("/api/session").await.json()["user"]["id"].clone();
    let promoted = admin.change(Method::PATCH, &format!("/api/users/{id}"), &json!({"role": "operator"})).await;
    assert_eq!(promoted.json()["role"], "operator");
    let anonymous = ApiClient::new(&stack);
    let mut tokens = Vec::new();
    for scope in ["read", "simulate"] {
        let created = admin.post("/api/tokens", &json!({"name": scope, "scopes": [scope]})).await.json();
        tokens.push(created["token"].as_str().expect("token should be a string").to_owned());
    }
    let from_dashboard = |request: RequestBuilder| request.header("x-requested-with", "fetch");
    for (method, route, expected) in ROWS {
        // A nonexistent id.
        let path = route.replace("{id}", "999999999").replace("{email}", "nobody@example.com");
        let method: Method = method.parse().expect("the method should be valid");
        let build_request = |client: &ApiClient| {
            let request = client.request(method.clone(), &path);
            if method == Method::GET || method == Method::HEAD { request } else { request.json(&json!({})) }
        };
        let responses = [
            anonymous.send(from_dashboard(build_request(&anonymous))).await,
            viewer.send(from_dashboard(build_request(&viewer))).await,
            operator.send(from_dashboard(build_request(&operator))).await,
            anonymous.send(from_dashboard(build_request(&anonymous)).bearer_auth(&tokens[0])).await,
            anonymous.send(from_dashboard(build_request(&anonymous)).bearer_auth(&tokens[1])).await,
            admin.send(from_dashboard(build_request(&admin)).header("origin", "https://elsewhere.example.com")).await,
            admin.send(build_request(&admin)).await,
            // Must be last, because the request can end the admin's session.
            admin.send(from_dashboard(build_request(&admin))).await,
        ];
        let [signed_out, viewer_status, operator_status, read, simulate, foreign, bare, admin_status] =
            responses.map(|response| response.status.as_u16());
        let got = [signed_out, viewer_status, operator_status, admin_status, read, simulate, foreign, bare];
        for (number, (got, expected)) in got.into_iter().zip(expected).enumerate() {
            let is_refused = got == 401 || got == 403 || (expected == 404 && got == 404);
            let is_admitted = !is_refused && got < 500;
            assert!(if expected == 0 { is_admitted } else { got == expected }, "{method} {route}, caller {number}: {got}");
        }
    }
}

/// Converts a router line such as `route!(get "api" / "users" / i64 => users::get […])` to the form used in the table.
fn route_of(line: &str) -> Option<String> {
    let (method, path) = line.trim().strip_prefix("route!(")?.split_once(" => ")?.0.split_once(' ')?;
    let mut route = format!("{} ", method.to_uppercase());
    for segment in path.split('/').map(str::trim) {
        route.push('/');
        match segment {
            "i64" => route.push_str("{id}"),
            "String" if route.contains("recipients") => route.push_str("{email}"),
            "String" if route.contains("roles") => route.push_str("{role}"),
            "String" => route.push_str("{id}"),
            literal => route.push_str(literal.trim_matches('"')),
        }
    }
    Some(if route.ends_with("/webhook") { route + "/" } else { route })
}

#[test]
fn the_table_lists_every_route() {
    let router = paths::project().join("ingest/src/http/router.rs");
    let router = fs::read_to_string(router).expect("the router should be readable");
    // Health and metrics are not public: nginx does not forward them.
    let own = ["GET /healthz", "GET /readyz", "GET /readyz/local", "GET /metrics"];
    let routes: BTreeSet<String> = router.lines().filter_map(route_of).filter(|route| !own.contains(&route.as_str())).collect();
    let rows: BTreeSet<String> =
        ROWS.iter().map(|(method, path, _)| format!("{method} {path}")).filter(|row| !row.ends_with("nothing")).collect();
    assert_eq!(rows, routes);
}
