//! Tests that enter by the front door: real Postgres, Valkey and nginx, our services as they are built, nothing mocked but
//! Mandrill itself.

#[path = "front_door/access.rs"]
mod access;
#[path = "front_door/doctor.rs"]
mod doctor;
#[path = "front_door/documents.rs"]
mod documents;
#[path = "front_door/fanout.rs"]
mod fanout;
#[path = "front_door/faults.rs"]
mod faults;
#[path = "front_door/filters.rs"]
mod filters;
#[path = "front_door/health.rs"]
mod health;
#[path = "front_door/hostile.rs"]
mod hostile;
#[path = "front_door/inbox.rs"]
mod inbox;
#[path = "front_door/live.rs"]
mod live;
#[path = "front_door/messages.rs"]
mod messages;
#[path = "front_door/openapi.rs"]
mod openapi;
#[path = "front_door/problems.rs"]
mod problems;
#[path = "front_door/protocol.rs"]
mod protocol;
#[path = "front_door/quarantine.rs"]
mod quarantine;
#[path = "front_door/registration.rs"]
mod registration;
#[path = "front_door/replicas.rs"]
mod replicas;
#[path = "front_door/reports.rs"]
mod reports;
#[path = "front_door/retention.rs"]
mod retention;
#[path = "front_door/routes.rs"]
mod routes;
#[path = "front_door/search.rs"]
mod search;
#[path = "front_door/session.rs"]
mod session;
#[path = "front_door/single_sign_on.rs"]
mod single_sign_on;
#[path = "front_door/sse.rs"]
mod sse;
#[path = "front_door/webhook.rs"]
mod webhook;
#[path = "front_door/wire.rs"]
mod wire;
