//! `ingest` receives Mandrill's deliveries, verifies them, and commits and publishes every event; it also serves the API.
//!
//! Directories are listed in the order in which an event passes through them, and imports only point down this list:
//! - [`cli`], [`app`]: command line and wiring. `App::build` binds, `App::run` serves.
//! - [`commands`]: one file for each subcommand other than `serve`.
//! - [`http`]: the router and the API document at the top; authentication, bodies, pages and errors, used by all handlers, below.
//! - [`webhook`]: bytes → verified → parsed → queued, or rejected and counted.
//! - `import`: events from files, on the way of deliveries.
//! - [`api`]: handlers for the dashboard and for programs.
//! - [`periodic`]: the scheduled jobs of a running service.
//! - [`outbox`]: committed → Redis.
//! - [`store`]: the SQL for deliveries and for the API.
//! - [`archive`]: partitions as Parquet files in an object storage.
//! - [`payload`]: compression of what was received, and the dictionaries for it.
//! - [`audit`]: what the audit log records of reading, and where it is streamed.
//! - [`erasure`]: addresses whose data was erased, and what to leave out of events about them.
//! - [`notify`]: which users an event notifies, and the text they see.
//! - `verdict`: why mail was not delivered, and who opened or clicked.
//! - [`state`], [`readiness`], [`config`], [`redact`]: shared by all of them.

pub mod api;
pub mod app;
pub mod archive;
pub mod audit;
pub mod cli;
pub mod commands;
pub mod config;
pub mod erasure;
pub mod http;
mod import;
pub mod notify;
pub mod outbox;
pub mod payload;
pub mod periodic;
pub mod readiness;
pub mod redact;
pub mod state;
pub mod store;
mod verdict;
pub mod webhook;
