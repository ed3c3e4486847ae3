//! A private stack on free ports: Postgres, Valkey, nginx, and this project's two services.
//!
//! `make up`, every integration test and the benchmarks run on it. It needs neither root nor Docker: the servers come as
//! pinned wheels ([`servers`]). [`Stack::start`] returns once every part is ready, and dropping the [`Stack`] ends them. If
//! the owning process dies without dropping it, the [`reaper`] ends what it started.
//!
//! - [`Stack`]: the whole stack, and what a test does to it: kill, stop and restart parts.
//! - [`postgres`], [`redis`], [`nginx`], [`service`]: the parts.
//! - [`running`]: finding a stack that another process started.
//! - [`process`], [`reaper`], [`ports`], [`paths`]: what the parts are built from.

mod error;
pub mod nginx;
pub mod paths;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod reaper;
pub mod redis;
pub mod running;
pub mod servers;
pub mod service;
pub mod settings;
mod stack;

pub use error::Error;
pub use stack::{Part, Replica, Stack, apply_migrations};
