//! Adds what many operations have in common: error responses, security schemes, and fields that are always present.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// Error codes by status.
type Refusals = BTreeMap<u16, BTreeSet<String>>;

/// Fills in what handlers do not document themselves.
pub(crate) fn complete(document: &mut Value) {
    document["components"]["securitySchemes"] = json!({
        "session": {
            "type": "apiKey", "in": "cookie", "name": "sid",
            "description": "Set by signing in; named `__Host-sid` if the dashboard is served over https. Names in brackets are roles; an admin may do what an operator may.",
        },
        "csrf": {
            "type": "apiKey", "in": "header", "name": "X-Requested-With",
            "description": "`fetch`: a header that a form on another site cannot send.",
        },
        "token": {
            "type": "http", "scheme": "bearer",
            "description": "Created by an admin; limited by its scopes, in brackets, and by the role of the user it acts for.",
        },
        "signature": {
            "type": "apiKey", "in": "header", "name": "X-Mandrill-Signature",
            "description": "Mandrill's signature, made with the webhook's key.",
        },
    });
    let usual = document["security"].clone();
    let mut shared = Shared::default();
    for (path, methods) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in methods.as_object_mut().into_iter().flatten() {
            cut_description(operation);
            if method != "head" {
                shared.refusals(path, operation, &usual);
            }
            shared.filters(operation);
        }
    }
    document["components"]["responses"] = shared.responses.into();
    document["components"]["parameters"] = shared.parameters.into();
    name_words(&mut document["paths"]);
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    for schema in schemas.values_mut() {
        require_nullable(schema);
        name_words(schema);
    }
    name_items(schemas);
}

/// Removes the part meant for readers of the source: the error codes are listed with each status.
fn cut_description(operation: &mut Value) {
    let Some(operation) = operation.as_object_mut() else { return };
    let description = operation.get("description").and_then(Value::as_str).unwrap_or_default();
    match description.split("# Errors").next().unwrap_or_default().trim() {
        "" => _ = operation.remove("description"),
        told => _ = operation.insert("description".to_owned(), told.into()),
    }
}

/// Components that several operations refer to.
#[derive(Default)]
struct Shared {
    responses: Map<String, Value>,
    parameters: Map<String, Value>,
}

impl Shared {
    /// Lists every error code that the operation can return: its own, given in backticks, and those common to similar operations.
    fn refusals(&mut self, path: &str, operation: &mut Value, usual: &Value) {
        let refusals = all_refusals(path, operation, usual);
        let Some(responses) = operation["responses"].as_object_mut() else { return };
        for (status, codes) in refusals {
            let name = codes.iter().fold(status.to_string(), |name, code| format!("{name}.{code}"));
            responses.insert(status.to_string(), json!({"$ref": format!("#/components/responses/{name}")}));
            self.responses.entry(name).or_insert_with(|| refusal(status, &codes));
        }
    }

    /// Defines the event filters only once: all parameters up to and including the metadata filter.
    fn filters(&mut self, operation: &mut Value) {
        let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) else { return };
        let last = parameters.iter().position(|parameter| parameter["name"] == "metadata.KEY");
        for parameter in parameters.iter_mut().take(last.map_or(0, |last| last + 1)) {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            let reference = json!({"$ref": format!("#/components/parameters/{name}")});
            self.parameters.insert(name, std::mem::replace(parameter, reference));
        }
    }
}

fn all_refusals(path: &str, operation: &Value, usual: &Value) -> Refusals {
    let mut refusals = own_refusals(operation);
    let mut add = |status: u16, codes: &[&str]| {
        refusals.entry(status).or_default().extend(codes.iter().map(|code| (*code).to_owned()));
    };
    let security = operation.get("security").unwrap_or(usual);
    let asks_for = |scheme: &str| security.as_array().into_iter().flatten().any(|one| one.get(scheme).is_some());
    if asks_for("session") || asks_for("token") {
        add(401, &["signed_out"]);
        add(403, &["forbidden"]);
    }
    if asks_for("csrf") {
        add(403, &["foreign_origin"]);
    }
    if operation.get("requestBody").is_some() {
        add(400, &["bad_json", "broken_body"]);
        add(408, &["slow_body"]);
        add(413, &["too_large"]);
    }
    if operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["in"] == "query") {
        add(414, &["too_long"]);
    }
    if path.contains('{') {
        add(404, &["not_found"]);
    }
    add(500, &["internal"]);
    // Our own code, and the one nginx returns when this service is unavailable.
    add(503, &["database_away", "away"]);
    refusals
}

fn own_refusals(operation: &Value) -> Refusals {
    let responses = operation["responses"].as_object().into_iter().flatten();
    let statuses = responses.filter_map(|(status, response)| Some((status.parse::<u16>().ok()?, response)));
    let refused = statuses.filter(|(status, _)| *status >= 400);
    refused
        .map(|(status, response)| {
            let description = response["description"].as_str().unwrap_or_default();
            // Every other piece is enclosed in backticks.
            (status, description.split('`').skip(1).step_by(2).map(str::to_owned).collect())
        })
        .collect()
}

fn refusal(status: u16, codes: &BTreeSet<String>) -> Value {
    let named: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    let mut response = json!({
        "description": named.join(", "),
        "content": {"application/problem+json": {"schema": {"allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {"type": "object", "properties": {"status": {"const": status}, "code": {"enum": codes}}},
        ]}}},
    });
    if status == 429 || status == 503 {
        response["headers"] = json!({"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}});
    }
    response
}

/// In a response, nullable fields are always present, and optional fields are never null. Requests, which accept no unknown fields,
/// may omit either.
fn require_nullable(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    for part in schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
        require_nullable(part);
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    if schema.get("additionalProperties") == Some(&json!(false)) {
        return;
    }
    let nullable = properties.iter().filter(|(_, property)| may_be_null(property)).map(|(name, _)| name.clone());
    let always = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let required: BTreeSet<String> = nullable.chain(always.map(str::to_owned)).collect();
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
}

fn may_be_null(property: &Value) -> bool {
    let kinds = property["type"].as_array().into_iter().flatten();
    let either = property["oneOf"].as_array().into_iter().flatten().map(|one| &one["type"]);
    kinds.chain(either).any(|kind| kind == "null")
}

/// Turns patterns that list a closed set of words into enums. In Rust, these are strings with a pattern attribute.
fn name_words(value: &mut Value) {
    if let Value::Object(schema) = value {
        let pattern = schema.get("pattern").and_then(Value::as_str).unwrap_or_default();
        let words = pattern.strip_prefix("^(").and_then(|pattern| pattern.strip_suffix(")$")).unwrap_or_default();
        let words: Vec<String> = words.split('|').map(str::to_owned).collect();
        if words.iter().all(|word| !word.is_empty() && word.bytes().all(|letter| letter.is_ascii_lowercase())) {
            schema.remove("pattern");
            schema.insert("enum".to_owned(), json!(words));
        }
        schema.values_mut().for_each(name_words);
    } else if let Value::Array(parts) = value {
        parts.iter_mut().for_each(name_words);
    }
}

/// Makes a list's schema refer to the schema of its items, which a generic type would otherwise copy inline.
fn name_items(schemas: &mut Map<String, Value>) {
    let lists: Vec<String> = schemas.keys().filter(|name| name.starts_with("List_")).cloned().collect();
    for list in lists {
        let item = list.trim_start_matches("List_");
        if schemas.contains_key(item) {
            schemas[&list]["properties"]["items"]["items"] = json!({"$ref": format!("#/components/schemas/{item}")});
        }
    }
}
