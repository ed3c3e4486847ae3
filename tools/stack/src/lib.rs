//! A private stack on free ports: Postgres, Valkey, nginx, and this project's two services.
//!
//! `make up`, all integration tests and the benchmarks run on it. It needs neither root nor Docker: the servers are installed
//! from pinned wheels ([`servers`]). [`Stack::start`] returns once every part is ready, and dropping the [`Stack`] stops all
//! parts. If the owning process dies without dropping it, the [`reaper`] stops the processes that it started.
//!
//! - [`Stack`]: the complete stack, with methods for killing, stopping and restarting parts in tests.
//! - [`postgres`], [`redis`], [`nginx`], [`service`]: the parts.
//! - [`Replica`], [`Standby`]: additional processes of a service, and copies of Postgres that follow it.
//! - [`RedisGroup`]: several Redis servers, with sentinels or as a cluster.
//! - [`running`]: finding a stack that was started by another process.
//! - [`process`], [`reaper`], [`ports`], [`paths`]: the building blocks of the parts.

mod error;
pub mod nginx;
pub mod paths;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod reaper;
pub mod redis;
mod redis_group;
mod replica;
pub mod running;
pub mod servers;
pub mod service;
pub mod settings;
mod stack;
mod standby;

pub use error::Error;
pub use redis_group::RedisGroup;
pub use replica::Replica;
pub use stack::{Part, Stack, apply_migrations, origins};
pub use standby::Standby;
