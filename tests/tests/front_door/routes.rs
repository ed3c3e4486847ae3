//! Who may ask for what: every route, for every sort of caller.

use std::collections::BTreeSet;
use std::fs;

use front_door::Visitor;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use stack::{Stack, paths};

/// What is asked for, and what it is answered with: to somebody signed out, a viewer, an admin, a token for reading, one for simulating,
/// an admin's browser on a foreign page, and an admin's cookie without the header that only our own script sends. 0 is let through,
/// whatever the handler then thinks of the request.
pub(crate) type Row = (&'static str, &'static str, [u16; 7]);

const OPEN: [u16; 7] = [0; 7];
const READ: [u16; 7] = [401, 0, 0, 0, 403, 0, 0];
const OPERATE: [u16; 7] = [401, 403, 0, 0, 403, 0, 0];
/// A token needs both scopes for it.
const OPERATE_CHANGE: [u16; 7] = [401, 403, 0, 403, 403, 403, 403];
const MANAGE: [u16; 7] = [401, 403, 0, 403, 403, 0, 0];
const MANAGE_CHANGE: [u16; 7] = [401, 403, 0, 403, 403, 403, 403];
const OWN: [u16; 7] = [401, 0, 0, 403, 403, 0, 0];
const OWN_CHANGE: [u16; 7] = [401, 0, 0, 403, 403, 403, 403];
const ENTER: [u16; 7] = [0, 0, 0, 0, 0, 403, 403];
const SIMULATE: [u16; 7] = [401, 403, 0, 403, 0, 403, 403];

/// As the comments in `ingest/src/routes` name them.
pub(crate) const ROWS: [Row; 49] = [
    ("POST", "/webhook/", SIMULATE),
    ("HEAD", "/webhook/", OPEN),
    ("GET", "/webhook/", READ),
    ("GET", "/api/openapi.json", OPEN),
    ("GET", "/api/session", OPEN),
    ("POST", "/api/session", ENTER),
    ("GET", "/api/events", READ),
    ("GET", "/api/events/histogram", READ),
    ("GET", "/api/events/export", READ),
    ("GET", "/api/events/{id}", READ),
    ("GET", "/api/events/{id}/raw", READ),
    ("GET", "/api/messages/{id}", READ),
    ("GET", "/api/recipients/{email}", READ),
    ("POST", "/api/recipients/{email}/erase", MANAGE_CHANGE),
    ("GET", "/api/stats", READ),
    ("GET", "/api/notifications", READ),
    ("POST", "/api/notifications", OWN_CHANGE),
    ("POST", "/api/notifications/read", OWN_CHANGE),
    ("GET", "/api/session/oidc", [404; 7]),
    ("GET", "/api/session/oidc/callback", [404; 7]),
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
    ("DELETE", "/api/tokens/{id}", MANAGE_CHANGE),
    ("GET", "/api/sessions", OWN),
    ("DELETE", "/api/sessions/{id}", OWN_CHANGE),
    ("POST", "/api/sessions/end", OWN_CHANGE),
    ("GET", "/api/audit", OPERATE),
    ("GET", "/api/quarantine", OPERATE),
    ("GET", "/api/quarantine/{id}", OPERATE),
    ("GET", "/api/quarantine/{id}/raw", OPERATE),
    ("POST", "/api/quarantine/retry", OPERATE_CHANGE),
    ("POST", "/api/quarantine/discard", OPERATE_CHANGE),
    ("GET", "/api/system", OPERATE),
    ("GET", "/api/refusals", OPERATE),
    // Last, since it ends the session that asks.
    ("DELETE", "/api/session", OWN_CHANGE),
    ("GET", "/api/nothing", [404; 7]),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_through_whom_it_should_and_nobody_else() {
    let stack = Stack::start().expect("a stack");
    let admin = Visitor::admin(&stack).await;
    let viewer = Visitor::viewer(&stack, "vera@example.com").await;
    let nobody = Visitor::new(&stack);
    let mut tokens = Vec::new();
    for scope in ["read", "simulate"] {
        let made = admin.post("/api/tokens", &json!({"name": scope, "scopes": [scope]})).await.json();
        tokens.push(made["token"].as_str().expect("a token").to_owned());
    }
    let ours = |request: RequestBuilder| request.header("x-requested-with", "fetch");
    for (method, route, expected) in ROWS {
        // Numbers that nothing has.
        let path = route.replace("{id}", "999999999").replace("{email}", "nobody@example.com");
        let method: Method = method.parse().expect("a method");
        let ask = |visitor: &Visitor| {
            let request = visitor.request(method.clone(), &path);
            if method == Method::GET || method == Method::HEAD { request } else { request.json(&json!({})) }
        };
        let answers = [
            nobody.answer(ours(ask(&nobody))).await,
            viewer.answer(ours(ask(&viewer))).await,
            nobody.answer(ours(ask(&nobody)).bearer_auth(&tokens[0])).await,
            nobody.answer(ours(ask(&nobody)).bearer_auth(&tokens[1])).await,
            admin.answer(ours(ask(&admin)).header("origin", "https://elsewhere.example.com")).await,
            admin.answer(ask(&admin)).await,
            // After the refused ones, as it may end the session.
            admin.answer(ours(ask(&admin))).await,
        ];
        let [out, seen_by_viewer, read, simulate, foreign, bare, seen_by_admin] = answers.map(|answer| answer.status.as_u16());
        let got = [out, seen_by_viewer, seen_by_admin, read, simulate, foreign, bare];
        for (number, (got, expected)) in got.into_iter().zip(expected).enumerate() {
            let is_refused = got == 401 || got == 403 || (expected == 404 && got == 404);
            // A wrong password is refused by the same status as no session.
            let is_let_through = !is_refused && got < 500;
            assert!(if expected == 0 { is_let_through } else { got == expected }, "{method} {route}, caller {number}: {got}");
        }
    }
}

#[test]
fn the_table_has_every_route() {
    let folder = paths::project().join("ingest/src/routes");
    let mut named = BTreeSet::new();
    for file in ["../routes.rs", "account.rs", "operate.rs", "read.rs"] {
        let source = fs::read_to_string(folder.join(file)).expect("routes");
        let comments = source.lines().filter_map(|line| line.trim().strip_prefix("// ")?.split_once(" /"));
        let routes = comments.filter(|(method, _)| method.chars().all(|letter| letter.is_ascii_uppercase()));
        named.extend(
            routes
                .map(|(method, path)| format!("{method} /{path}"))
                .filter(|route| !route.ends_with("z") && !route.ends_with("/metrics")),
        );
    }
    let rows: BTreeSet<String> =
        ROWS.iter().map(|(method, path, _)| format!("{method} {path}")).filter(|row| !row.ends_with("nothing")).collect();
    assert_eq!(rows, named);
}
