//! The API's document: what it describes is what is served, by every route, to whom the table of routes says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use front_door::{Answer, Visitor};
use reqwest::Method;
use serde_json::Value;
use stack::{Stack, paths};

use crate::routes::ROWS;

/// The operations by method and path.
fn operations(document: &Value) -> BTreeMap<String, &Value> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods").iter();
        methods.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
    });
    operations.collect()
}

/// What `ingest openapi` prints.
fn printed() -> String {
    let output = Stack::program("ingest").expect("the service is built").arg("openapi").output().expect("it runs");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_document_has_every_route_and_nothing_else() {
    let document: Value = serde_json::from_str(&printed()).expect("JSON");
    let described: BTreeSet<String> = operations(&document).into_keys().collect();
    let routes = ROWS.iter().map(|(method, path, _)| format!("{method} {path}")).filter(|route| !route.ends_with("nothing"));
    assert_eq!(described, routes.collect());
    let ids: Vec<&str> = operations(&document).values().map(|one| one["operationId"].as_str().expect("an id")).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
}

#[test]
fn the_document_lets_through_whom_the_routes_do() {
    let document: Value = serde_json::from_str(&printed()).expect("JSON");
    let operations = operations(&document);
    for (method, path, answers) in ROWS.iter().filter(|(_, path, _)| !path.ends_with("nothing")) {
        let security = operations[&format!("{method} {path}")].get("security").unwrap_or(&document["security"]);
        let ways: BTreeSet<String> = security.as_array().expect("ways to be let in").iter().map(Value::to_string).collect();
        // What is not configured is not there for anybody.
        let [signed_out, viewer, _, read, simulate, _, bare] = answers.map(|answer| answer == 0 || answer == 404);
        let csrf = if bare { "" } else { r#""csrf":[],"# };
        let mut expected = BTreeSet::new();
        if signed_out {
            expected.insert(if bare { "{}".to_owned() } else { r#"{"csrf":[]}"#.to_owned() });
        } else {
            let role = if viewer { "" } else { r#""admin""# };
            expected.insert(format!(r#"{{{csrf}"session":[{role}]}}"#));
        }
        if !signed_out && read {
            expected.insert(r#"{"token":["read"]}"#.to_owned());
        }
        if !signed_out && simulate {
            expected.insert(r#"{"token":["simulate"]}"#.to_owned());
        }
        // Mandrill signs, and a token of both scopes is not in the table.
        if *path == "/webhook/" && *method == "POST" {
            expected.insert(r#"{"signature":[]}"#.to_owned());
        }
        if path.starts_with("/api/quarantine/") && *method == "POST" {
            expected.insert(r#"{"token":["read","simulate"]}"#.to_owned());
        }
        assert_eq!(ways, expected, "{method} {path}");
    }
}

#[test]
fn the_committed_document_is_that_of_the_code() {
    let committed = fs::read_to_string(paths::project().join("frontend/openapi.json")).expect("the committed document");
    assert!(committed == printed(), "`make openapi` renews frontend/openapi.json");
}

#[tokio::test]
async fn the_document_is_sent_once_to_whoever_has_it() {
    let stack = Stack::start().expect("a stack");
    let visitor = Visitor::new(&stack);
    let first = visitor.get("/api/openapi.json").await;
    assert_eq!((first.status.as_u16(), first.header("cache-control")), (200, "no-cache"));
    assert_eq!(first.json(), serde_json::from_str::<Value>(&printed()).expect("JSON"));
    let ask = async |tag: &str| -> Answer {
        let request = visitor.request(Method::GET, "/api/openapi.json").header("if-none-match", tag);
        visitor.answer(request.header("accept-encoding", "gzip")).await
    };
    let tag = first.header("etag");
    for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let again = ask(&known).await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{known}");
        assert_eq!(again.header("cache-control"), "no-cache");
        assert!(again.header("etag").ends_with(tag));
    }
    assert_eq!(ask("\"other\"").await.status, 200);
}
