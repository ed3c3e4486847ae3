//! All routes as a table: method, path, handler, and the handler's inputs. A guard such as `reader` specifies who can call the route.

use std::convert::Infallible;
use std::sync::Arc;

use http::StatusCode;
use http::header::{ALLOW, CACHE_CONTROL, HeaderValue};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::reply::{Reply, Response};

use crate::api::accounts::{
    audit, invitation, oidc, password_change, restrictions, roles, session, sessions, tokens, users, views,
};
use crate::api::events::{self, audience, completion, erase, export, histogram, message, recipient, statistics};
use crate::api::notifications::{self, inbox, rules};
use crate::api::{health, quarantine, refusals, system};
use crate::http::openapi;
use crate::http::route::{Parts, any_of, json, refuse, route};
use crate::state::AppState;
use crate::webhook::handler;

/// All routes, busiest first. A request that matches none of them gets a problem document as the response.
pub fn all(state: Arc<AppState>) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone {
    let parts = Parts::new(state);
    let routes = [webhook(&parts), events(&parts), notifications(&parts), accounts(&parts), operations(&parts), own(&parts)];
    warp::path::full().and(any_of(routes).recover(refuse)).map(finish)
}

#[rustfmt::skip]
fn webhook(parts: &Parts) -> BoxedFilter<(Response,)> {
    let Parts { state, reader, peer, headers, query, page, .. } = parts.clone();
    let target = warp::path::full().and(query.clone()).map(handler::Target::new);
    any_of([
        route!(post "webhook" => handler::post [state.clone(), peer, target, headers.clone(), warp::body::stream()]),
        route!(head "webhook" => handler::head [state.clone()]),
        route!(get  "webhook" => handler::browse [state, reader, headers, page]),
    ])
}

#[rustfmt::skip]
fn events(parts: &Parts) -> BoxedFilter<(Response,)> {
    let Parts { state, reader, admin_write, page, pairs, .. } = parts.clone();
    let s = || state.clone();
    let r = || reader.clone();
    any_of([
        route!(get  "api" / "events" / "histogram"           => histogram::get [s(), r(), pairs.clone()]),
        route!(get  "api" / "events" / "export"              => export::get [s(), r(), pairs.clone()]),
        route!(get  "api" / "complete"                       => completion::get [s(), r(), pairs.clone()]),
        route!(get  "api" / "stats" / "audience"             => audience::get [s(), r(), pairs.clone()]),
        route!(get  "api" / "stats"                          => statistics::get [s(), r(), pairs.clone()]),
        route!(get  "api" / "events"                         => events::list [s(), r(), page]),
        route!(get  "api" / "events" / i64                   => events::get [s(), r()]),
        route!(get  "api" / "events" / i64 / "raw"           => events::raw [s(), r()]),
        route!(get  "api" / "messages" / String              => message::get [s(), r()]),
        route!(get  "api" / "recipients" / String            => recipient::get [s(), r()]),
        route!(post "api" / "recipients" / String / "erase"  => erase::post [s(), admin_write, json()]),
    ])
}

#[rustfmt::skip]
fn notifications(parts: &Parts) -> BoxedFilter<(Response,)> {
    let Parts { state, reader, session, page, .. } = parts.clone();
    let s = || state.clone();
    any_of([
        route!(get    "api" / "notifications"           => notifications::list [s(), reader.clone(), page]),
        route!(post   "api" / "notifications"           => inbox::send [s(), session.clone(), json()]),
        route!(post   "api" / "notifications" / "unread" => inbox::mark_unread [s(), session.clone(), json()]),
        route!(post   "api" / "notifications" / "read"  => inbox::mark_read [s(), session.clone(), json()]),
        route!(get    "api" / "rules"                   => rules::get [s(), reader]),
        route!(put    "api" / "rules"                   => rules::put [s(), session.clone(), json()]),
        route!(delete "api" / "rules"                   => rules::delete [s(), session]),
    ])
}

#[rustfmt::skip]
fn accounts(parts: &Parts) -> BoxedFilter<(Response,)> {
    let Parts { state, own_origin, caller, session, reader, auditor, admin, admin_write, peer, headers, pairs, page, .. } = parts.clone();
    let s = || state.clone();
    any_of([
        route!(get    "api" / "session"                       => session::get [s(), headers.clone()]),
        route!(post   "api" / "session"                       => session::post [s(), own_origin.clone(), peer.clone(), headers.clone(), json()]),
        route!(delete "api" / "session"                       => session::delete [s(), session.clone()]),
        route!(get    "api" / "session" / "oidc"              => oidc::begin [s(), headers.clone(), pairs.clone()]),
        route!(get    "api" / "session" / "oidc" / "callback" => oidc::finish [s(), headers.clone(), pairs.clone()]),
        route!(get    "api" / "sessions"                      => sessions::list [s(), caller, pairs]),
        route!(delete "api" / "sessions" / i64                => sessions::end_one [s(), session.clone()]),
        route!(post   "api" / "sessions" / "end"              => sessions::end_many [s(), session.clone(), json()]),
        route!(post   "api" / "password"                      => password_change::post [s(), session.clone(), peer, json()]),
        route!(post   "api" / "invitation"                    => invitation::post [s(), own_origin, headers, json()]),
        route!(get    "api" / "users"                         => users::list [s(), reader.clone()]),
        route!(post   "api" / "users"                         => users::add [s(), admin_write.clone(), json()]),
        route!(patch  "api" / "users" / i64                   => users::change [s(), admin_write.clone(), json()]),
        route!(post   "api" / "users" / i64 / "invitation"    => invitation::renew [s(), admin_write.clone()]),
        route!(get    "api" / "tokens"                        => tokens::list [s(), admin.clone()]),
        route!(get    "api" / "roles"                         => roles::list [s(), admin]),
        route!(post   "api" / "tokens"                        => tokens::add [s(), admin_write.clone(), json()]),
        route!(patch  "api" / "tokens" / i64                  => tokens::change [s(), admin_write.clone(), json()]),
        route!(delete "api" / "tokens" / i64                  => tokens::revoke [s(), admin_write.clone()]),
        route!(post   "api" / "restrictions" / "preview"      => restrictions::preview [s(), admin_write.clone(), json()]),
        route!(patch  "api" / "roles" / String                => roles::change [s(), admin_write, json()]),
        route!(get    "api" / "views"                         => views::list [s(), reader]),
        route!(post   "api" / "views"                         => views::add [s(), session.clone(), json()]),
        route!(put    "api" / "views" / i64                   => views::change [s(), session.clone(), json()]),
        route!(delete "api" / "views" / i64                   => views::remove [s(), session]),
        route!(get    "api" / "audit"                         => audit::list [s(), auditor, page]),
    ])
}

#[rustfmt::skip]
fn operations(parts: &Parts) -> BoxedFilter<(Response,)> {
    let Parts { state, operator, operator_write, page, .. } = parts.clone();
    let s = || state.clone();
    let o = || operator.clone();
    any_of([
        route!(get  "api" / "quarantine"             => quarantine::list [s(), o(), page.clone()]),
        route!(get  "api" / "quarantine" / i64       => quarantine::get [s(), o()]),
        route!(get  "api" / "quarantine" / i64 / "raw" => quarantine::raw [s(), o()]),
        route!(post "api" / "quarantine" / "retry"   => quarantine::retry [s(), operator_write.clone(), json()]),
        route!(post "api" / "quarantine" / "discard" => quarantine::discard [s(), operator_write, json()]),
        route!(get  "api" / "system"                 => system::get [s(), o()]),
        route!(get  "api" / "refusals"               => refusals::list [s(), o(), page]),
        route!(get  "api" / "openapi.json"           => openapi::get [s(), parts.headers.clone()]),
    ])
}

/// Health and metrics, which nginx does not forward.
#[rustfmt::skip]
fn own(parts: &Parts) -> BoxedFilter<(Response,)> {
    let s = || parts.state.clone();
    any_of([
        route!(get "healthz" => health::alive [s()]),
        route!(get "readyz"  => health::ready [s()]),
        route!(get "readyz" / "local" => health::ready_locally [s()]),
        route!(get "metrics" => health::metrics [s()]),
    ])
}

/// Responses are specific to one caller, so caches must not store them unless the response explicitly allows it. A response to an
/// unsupported method lists the supported ones.
fn finish(path: FullPath, reply: impl Reply) -> Response {
    let mut response = reply.into_response();
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let methods = openapi::methods_at(path.as_str());
        if !methods.is_empty()
            && let Ok(methods) = HeaderValue::from_str(&methods.join(", "))
        {
            response.headers_mut().insert(ALLOW, methods);
        }
    }
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
