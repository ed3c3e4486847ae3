//! Code shared by `ingest` and `notifier`.
//!
//! - Infrastructure: [`cli`], [`config`], [`db`], [`redis`], [`serve`], [`problem`], [`telemetry`], [`shutdown`], [`tls`],
//!   [`healthcheck`] and [`json_text`].
//! - The domain, from commit to browser: [`event`], [`visibility`], [`masking`], [`filter`], [`notification`], [`message`] and [`feed`].
//! - Authentication: [`session`] and [`origin`].

pub mod cli;
pub mod config;
pub mod db;
pub mod event;
pub mod feed;
pub mod filter;
pub mod healthcheck;
pub mod json_text;
pub mod masking;
pub mod message;
pub mod notification;
pub mod origin;
pub mod problem;
pub mod redis;
pub mod serve;
pub mod session;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
pub mod visibility;
