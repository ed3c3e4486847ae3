//! `notifier` relays the live feed from Redis to signed-in browsers, and accepts messages from user to user.
//!
//! In the order in which an event passes through them:
//! - [`app`] binds and wires the service, [`state`] is what handlers share, and [`router`] lists every route.
//! - [`feed`] receives entries from Redis and keeps the newest in memory, from which clients resume.
//! - [`fanout`] decides what each connection gets: the hub holds the connections, and shards send to them.
//! - [`transport`] opens, reads and writes connections: websockets and event streams.
//! - [`user`] is everything about users: messages, presence, sessions and rate limits.

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
