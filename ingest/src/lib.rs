//! `ingest` receives Mandrill's deliveries, verifies them, commits every event, and publishes what it committed; it also serves the API.
//!
//! Folders read in the order in which an event passes through them, and imports only point down this list:
//! - [`cli`], [`app`]: command line and wiring. `App::build` binds, `App::run` serves.
//! - [`commands`]: one file for each subcommand other than `serve`.
//! - [`http`]: the router and the API document at the top; authentication, bodies, pages and errors, which every handler needs, at the bottom.
//! - [`webhook`]: bytes → verified → parsed → queued, or refused and counted.
//! - [`api`]: handlers of the dashboard and of programs.
//! - [`periodic`]: what a running service does by the clock.
//! - [`outbox`]: committed → Redis.
//! - [`store`]: the SQL of deliveries and of the API.
//! - [`notify`]: which users an event notifies, and the text they see.
//! - [`state`], [`config`], [`redact`]: what all of them share.

pub mod api;
pub mod app;
pub mod cli;
pub mod commands;
pub mod config;
pub mod http;
pub mod notify;
pub mod outbox;
pub mod periodic;
pub mod redact;
pub mod state;
pub mod store;
pub mod webhook;
