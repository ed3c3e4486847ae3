//! `GET /api/openapi.json` and `ingest openapi`: the API description, generated from the code that serves it.
//!
//! Each handler documents its own inputs and responses, using the same types that it reads and writes; here they are only
//! listed. `complete` fills in what many of them have in common.

mod complete;

use std::sync::{Arc, LazyLock};

use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::problem;
use utoipa::OpenApi;
use utoipa::openapi::PathItem;
use warp::reply::{Reply, Response};

use crate::api::accounts::{
    audit, invitation, oidc, password_change, restrictions, roles, session, sessions, tokens, users, views,
};
use crate::api::events::{self, audience, completion, erase, export, histogram, message, recipient, statistics};
use crate::api::notifications::{self, inbox, rules};
use crate::api::{quarantine, refusals, system};
use crate::http::error::ApiError;
use crate::state::AppState;
use crate::store::notifications::ListedNotification;
use crate::verdict::sentences;
use crate::webhook::handler;

/// The list of operations. Health and metrics are not included: they are served only on the service's own address, not publicly.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Mandrill Listener",
        description = "The API used by the dashboard and by programs with a token. Errors are RFC 9457 problem documents with a stable \
            `code`. Lists return a page of `items` and `next`, the cursor for the next page. Times are RFC 3339 in UTC. Strings must not \
            contain NUL. A change authenticated by cookie needs the header `X-Requested-With: fetch`, and no foreign Origin.",
        license(name = "MIT", identifier = "MIT"),
    ),
    tags(
        (name = "webhook", description = "The endpoint that Mandrill posts to."),
        (name = "events", description = "What happened to messages, and to mail sent to one address."),
        (name = "statistics", description = "Event counts by kind over time."),
        (name = "notifications", description = "Notifications for users, and messages between users."),
        (name = "views", description = "Named filters for the events page."),
        (name = "sessions", description = "Signing in, and the sessions of a user."),
        (name = "accounts", description = "Users, their passwords, and tokens for programs."),
        (name = "operations", description = "The state of the service, and actions for operators."),
        (name = "document", description = "This document."),
    ),
    security(("session" = []), ("token" = ["read"])),
    components(schemas(problem::Document, ListedNotification)),
    paths(
        get,
        handler::head,
        handler::post,
        handler::browse,
        events::list,
        events::get,
        events::raw,
        histogram::get,
        completion::get,
        audience::get,
        export::get,
        message::get,
        recipient::get,
        erase::post,
        statistics::get,
        notifications::list,
        inbox::send,
        inbox::mark_read,
        inbox::mark_unread,
        rules::get,
        rules::put,
        rules::delete,
        views::list,
        views::add,
        views::change,
        views::remove,
        session::get,
        session::post,
        session::delete,
        oidc::begin,
        oidc::finish,
        sessions::list,
        sessions::end_one,
        sessions::end_many,
        users::list,
        users::add,
        users::change,
        invitation::renew,
        invitation::post,
        password_change::post,
        tokens::list,
        tokens::add,
        tokens::change,
        tokens::revoke,
        restrictions::preview,
        roles::list,
        roles::change,
        audit::list,
        quarantine::list,
        quarantine::get,
        quarantine::raw,
        quarantine::retry,
        quarantine::discard,
        system::get,
        refusals::list,
    )
)]
struct Described;

/// The document as it is sent, and the ETag that lets a client check whether it already has it.
static SENT: LazyLock<(String, HeaderValue)> = LazyLock::new(|| {
    let json = document().to_string();
    let digest = hex::encode(&Sha256::digest(&json)[..16]);
    let tag = HeaderValue::from_str(&format!("\"{digest}\"")).unwrap_or(HeaderValue::from_static("\"\""));
    (json, tag)
});

/// The whole document.
pub fn document() -> Value {
    let mut document = serde_json::to_value(Described::openapi()).unwrap_or_default();
    complete::complete(&mut document);
    document["x-verdicts"] = sentences::table();
    document
}

/// The methods that a path supports; empty if the path is not in the document.
pub(crate) fn methods_at(path: &str) -> Vec<&'static str> {
    static METHODS: LazyLock<Vec<(String, Vec<&'static str>)>> = LazyLock::new(|| {
        let paths = Described::openapi().paths.paths.into_iter();
        paths.map(|(path, item)| (path, methods_of(&item))).collect()
    });
    let parts = || path.trim_end_matches('/').split('/');
    let fits = |template: &str| {
        let template: Vec<&str> = template.trim_end_matches('/').split('/').collect();
        template.len() == parts().count() && template.iter().zip(parts()).all(|(part, is)| part.starts_with('{') || *part == is)
    };
    // If both a literal segment and a parameter match, the literal one takes precedence.
    let found = METHODS.iter().filter(|(template, _)| fits(template)).min_by_key(|(template, _)| template.matches('{').count());
    found.map(|(_, methods)| methods.clone()).unwrap_or_default()
}

fn methods_of(item: &PathItem) -> Vec<&'static str> {
    let all = [
        ("GET", &item.get),
        ("HEAD", &item.head),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    all.into_iter().filter(|(_, operation)| operation.is_some()).map(|(method, _)| method).collect()
}

/// Returns this document.
///
/// Publicly accessible, because tools fetch it without signing in: it describes what anyone can read in the source, and contains no data.
#[utoipa::path(get, path = "/api/openapi.json", operation_id = "getDocument", tag = "document", security(()),
    params(("If-None-Match" = Option<String>, Header, description = "`ETag` of an earlier response.")),
    responses((status = 200, description = "The document.", body = Object,
            headers(("ETag" = String, description = "Changes whenever the document changes."))),
        (status = 304, description = "The document has not changed.")))]
pub async fn get(_: Arc<AppState>, headers: HeaderMap) -> Result<Response, ApiError> {
    let (json, tag) = LazyLock::force(&SENT);
    let mut response =
        if has_already(&headers, tag) { StatusCode::NOT_MODIFIED.into_response() } else { json.as_str().into_response() };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(ETAG, tag.clone());
    Ok(response)
}

/// True if the client sent this tag, weak or strong: nginx weakens it when it compresses the response.
fn has_already(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let named = headers.get_all(IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok()).flat_map(|tags| tags.split(','));
    named.map(str::trim).any(|named| named == "*" || named.strip_prefix("W/").unwrap_or(named) == tag)
}
