//! From the recent entries to the connections.
//!
//! [`hub`] registers [`connections`], within limits, and passes [`command`]s to the [`shard`] that serves them. A shard polls
//! the hub for entries and pushes them to each [`group`] of connections with the same [`subscription`], where they wait as
//! [`outgoing`]. [`protocol`] defines the frames, and [`framing`] encodes them. A [`close_signal`] closes one connection, and a
//! [`drain`] all of them.

pub mod close_signal;
pub mod command;
pub mod connections;
pub mod drain;
pub mod framing;
pub mod group;
pub mod hub;
pub mod outgoing;
pub mod protocol;
pub mod shard;
pub mod subscription;
