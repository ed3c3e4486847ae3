//! `notifier` relays what Redis carries to every signed-in browser over websockets, and takes messages from user to user.
//!
//! In the order in which an event meets them:
//! - [`config`], [`app`], [`state`], [`router`], [`health`], [`error`]: wiring. `App::build` binds, `run` serves; every route is in one list.
//! - [`feed::subscriber`]: Redis → here: live, holes filled from the stream, a probe that finds a dead subscription.
//! - [`feed::recent`]: the newest entries in memory, from which clients resume.
//! - [`fanout::hub`]: who is here, within which bounds. [`fanout::shard`]: who gets what. [`fanout::outgoing`]: what waits for those with one
//!   subscription.
//! - [`transport::upgrade`], [`transport::sse`]: who may follow, and the two ways of doing so. [`transport::session`]: one websocket's life. [`transport::writer`]: the way to one
//!   client. [`fanout::protocol`]: what is said. [`transport::websocket`]: how it is written, RFC 6455.
//! - [`user::messages`]: user to user. [`user::rate_limit`]: how much one may say. [`user::sessions`]: whose session has ended. [`user::presence`]: who is
//!   here, over all replicas.

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
