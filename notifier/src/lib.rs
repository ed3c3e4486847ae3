//! `notifier` relays the live feed from Redis to signed-in browsers, and accepts user-to-user messages.
//!
//! The modules, in the order in which an event passes through them:
//! - [`app`] binds the address and wires the service, [`state`] contains what handlers share, and [`router`] lists every route.
//! - [`feed`] receives entries from Redis and keeps the newest ones in memory, so that clients can resume from them.
//! - [`fanout`] decides what each connection gets: the hub holds the connections, and shards send to them.
//! - [`transport`] opens websockets and event streams, reads from them and writes to them.
//! - [`user`] handles everything related to users: messages, presence, sessions and rate limits.

pub mod app;
pub mod config;
pub mod error;
pub mod fanout;
pub mod feed;
pub mod health;
pub mod router;
pub mod state;
pub mod transport;
pub mod user;
