//! What `ingest` and `notifier` both need, and nothing else.
//!
//! - What any service needs: [`cli`], [`config`], [`db`], [`redis`], [`serve`], [`problem`], [`telemetry`], [`shutdown`], [`healthcheck`].
//! - An event, what selects events, what people write, and what travels from commit to browser: [`event`], [`filter`], [`notification`], [`message`], [`feed`].
//! - Who is asking: [`session`], [`origin`].

pub mod cli;
pub mod config;
pub mod db;
pub mod event;
pub mod feed;
pub mod filter;
pub mod healthcheck;
pub mod message;
pub mod notification;
pub mod origin;
pub mod problem;
pub mod redis;
pub mod serve;
pub mod session;
pub mod shutdown;
pub mod telemetry;
