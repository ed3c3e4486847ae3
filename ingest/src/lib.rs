//! `ingest` takes Mandrill's deliveries, proves them, commits every event and relays what was committed; it also serves the API.
//!
//! In the order in which an event meets them:
//! - [`config`], [`app`], [`routes`], [`error`]: wiring. `App::build` binds, `run` serves; every route is in one list.
//! - [`receive`]: bytes → proved → parsed → committed, or refused and remembered.
//! - [`relay`]: outbox → Redis.
//! - `terms`: what an event is found by, written with it and asked for.
//! - [`read`]: what was committed, over HTTP.
//! - [`account`]: sign-in and who may what.
//! - [`operate`]: commands and upkeep.
//! - [`document`]: the API, described by all of these.

pub mod account;
pub mod app;
pub mod body;
pub mod config;
pub mod document;
pub mod error;
pub mod operate;
pub mod read;
pub mod receive;
pub mod relay;
pub mod routes;
mod terms;
