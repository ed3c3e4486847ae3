//! A private stack on free ports: Postgres, Valkey and nginx, with our two services between them.
//!
//! `make up`, every integration test and the benchmarks stand on it. It needs neither root nor Docker: the servers come as
//! pinned wheels ([`servers`]). A [`Stack`] is ready when `start` returns and gone when it is dropped; should this process
//! die without dropping it, the [`leash`] ends what it started.
//!
//! - [`Stack`]: the whole, and what a test does to it: kill, stop, start again.
//! - [`postgres`], [`redis`], [`nginx`], [`service`]: one part each.
//! - [`process`], [`leash`], [`ports`], [`place`]: what parts are made of.

mod error;
pub mod leash;
pub mod nginx;
pub mod place;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod redis;
pub mod servers;
pub mod service;
pub mod settings;
mod stack;

pub use error::Error;
pub use stack::{Part, Replica, Stack, apply_migrations};
