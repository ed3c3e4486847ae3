//! The OpenAPI document matches the routes and their access rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use front_door::{ApiClient, ApiResponse};
use reqwest::Method;
use serde_json::Value;
use stack::{Stack, paths};

use crate::routes::ROWS;

/// The document's operations by method and path.
fn operations(document: &Value) -> BTreeMap<String, &Value> {
    let paths = document["paths"].as_object().expect("paths should be an object");
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("a path should be an object").iter();
        methods.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
    });
    operations.collect()
}

/// The output of `ingest openapi`.
fn printed() -> String {
    let output =
        Stack::program("ingest").expect("the service should be built").arg("openapi").output().expect("the command should run");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("the output should be UTF-8")
}

#[test]
fn the_document_describes_exactly_the_routes() {
    let document: Value = serde_json::from_str(&printed()).expect("the text should be valid JSON");
    let described: BTreeSet<String> = operations(&document).into_keys().collect();
    let routes = ROWS.iter().map(|(method, path, _)| format!("{method} {path}")).filter(|route| !route.ends_with("nothing"));
    assert_eq!(described, routes.collect());
    let ids: Vec<&str> =
        operations(&document).values().map(|one| one["operationId"].as_str().expect("the id should be a string")).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
}

#[test]
fn the_security_of_each_operation_matches_its_route() {
    let document: Value = serde_json::from_str(&printed()).expect("the text should be valid JSON");
    let operations = operations(&document);
    for (method, path, responses) in ROWS.iter().filter(|(_, path, _)| !path.ends_with("nothing")) {
        let security = operations[&format!("{method} {path}")].get("security").unwrap_or(&document["security"]);
        let schemes: BTreeSet<String> =
            security.as_array().expect("security should be an array").iter().map(Value::to_string).collect();
        // Routes of a feature that is not configured return 404 to all callers and require no session.
        let [signed_out, viewer, operator, _, read, simulate, _, bare] =
            responses.map(|response| response == 0 || response == 404);
        let csrf = if bare { "" } else { r#""csrf":[],"# };
        let mut expected = BTreeSet::new();
        if signed_out {
            expected.insert(if bare { "{}".to_owned() } else { r#"{"csrf":[]}"#.to_owned() });
        } else {
            let role = match (viewer, operator) {
                (true, _) => "",
                (false, true) => r#""operator""#,
                (false, false) => r#""admin""#,
            };
            expected.insert(format!(r#"{{{csrf}"session":[{role}]}}"#));
        }
        if !signed_out && read {
            expected.insert(r#"{"token":["read"]}"#.to_owned());
        }
        if !signed_out && simulate {
            expected.insert(r#"{"token":["simulate"]}"#.to_owned());
        }
        // The table has no column for Mandrill's signature or for a token with both scopes.
        if *path == "/webhook/" && *method == "POST" {
            expected.insert(r#"{"signature":[]}"#.to_owned());
        }
        if path.starts_with("/api/quarantine/") && *method == "POST" {
            expected.insert(r#"{"token":["read","simulate"]}"#.to_owned());
        }
        assert_eq!(schemes, expected, "{method} {path}");
    }
}

#[test]
fn the_committed_document_is_up_to_date() {
    let committed =
        fs::read_to_string(paths::project().join("frontend/openapi.json")).expect("the committed document should be readable");
    assert!(committed == printed(), "frontend/openapi.json is outdated; run `make openapi`");
}

#[tokio::test]
async fn the_document_is_revalidated_by_etag() {
    let stack = Stack::start().expect("the stack should start");
    let client = ApiClient::new(&stack);
    let first = client.get("/api/openapi.json").await;
    assert_eq!((first.status.as_u16(), first.header("cache-control")), (200, "no-cache"));
    assert_eq!(first.json(), serde_json::from_str::<Value>(&printed()).expect("the text should be valid JSON"));
    let revalidate = async |tag: &str| -> ApiResponse {
        let request = client.request(Method::GET, "/api/openapi.json").header("if-none-match", tag);
        client.send(request.header("accept-encoding", "gzip")).await
    };
    let tag = first.header("etag");
    for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let again = revalidate(&known).await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{known}");
        assert_eq!(again.header("cache-control"), "no-cache");
        assert!(again.header("etag").ends_with(tag));
    }
    assert_eq!(revalidate("\"other\"").await.status, 200);
}
