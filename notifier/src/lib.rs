//! `notifier` relays what Redis carries to every signed-in browser over websockets, and takes messages from user to user.
//!
//! In the order in which an event meets them:
//! - [`config`], [`app`], [`state`], [`routes`], [`error`]: wiring. `App::build` binds, `run` serves; every route is in one list.
//! - [`feed::subscriber`]: Redis → here: live, holes filled from the stream, a probe that finds a dead subscription.
//! - [`feed::recent`]: the newest entries in memory, from which clients resume.
//! - [`fanout::hub`]: who is here, within which bounds. [`fanout::shard`]: who gets what. [`fanout::outgoing`]: what waits for those with one
//!   subscription.
//! - [`upgrade`], [`sse`]: who may follow, and the two ways of doing so. [`socket`]: one websocket's life. [`link`]: the way to one
//!   client. [`fanout::protocol`]: what is said. [`wire`]: how it is written, RFC 6455.
//! - [`messages`]: user to user. [`allowance`]: how much one may say. [`sessions`]: whose session has ended. [`presence`]: who is
//!   here, over all replicas.

pub mod allowance;
pub mod app;
pub mod config;
pub mod error;
pub mod fanout;
pub mod feed;
pub mod link;
pub mod messages;
pub mod presence;
pub mod routes;
pub mod sessions;
pub mod socket;
pub mod sse;
pub mod state;
pub mod upgrade;
pub mod wire;
