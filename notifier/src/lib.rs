//! `notifier` relays what Redis carries to every signed-in browser over websockets, and takes messages from user to user.
//!
//! In the order in which an event meets them:
//! - [`config`], [`app`], [`routes`], [`error`]: wiring. `App::build` binds, `run` serves; every route is in one list.
//! - [`subscribe`]: Redis → here: live, holes filled from the stream, a probe that finds a dead subscription.
//! - [`recent`]: the newest entries in memory, from which clients resume.
//! - [`hub`]: who gets what.
//! - [`upgrade`], [`socket`], [`outgoing`], [`frame`]: one socket's admission, its life, what waits to be sent, and the frames.
//! - [`messages`]: user to user. [`sessions`]: whose session has ended. [`presence`]: who is here, over all replicas.

pub mod app;
pub mod config;
pub mod error;
pub mod frame;
pub mod hub;
pub mod messages;
pub mod outgoing;
pub mod presence;
pub mod recent;
pub mod routes;
pub mod sessions;
pub mod socket;
pub mod subscribe;
pub mod upgrade;
