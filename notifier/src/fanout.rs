//! The fan-out: from the recent entries to the connections.

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
