//! Sends the recent entries to the open connections.
//!
//! [`hub`] registers [`connections`], enforces their limits, and passes [`command`]s to the [`shard`] that serves them. A shard
//! polls the hub for entries and pushes them to each [`group`] of connections with the same [`subscription`], where they are
//! queued in [`outgoing`]. [`protocol`] defines the frames, and [`framing`] encodes them. A [`close_signal`] closes a single
//! connection, and a [`drain`] closes all of them.

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
