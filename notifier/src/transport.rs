//! Connections to clients.
//!
//! [`admission`] decides who may connect. [`upgrade`] opens a websocket, which [`session`] then serves, and [`sse`] an event
//! stream. [`writer`] writes to either, and [`websocket`] encodes and decodes RFC 6455.

pub mod admission;
pub mod session;
pub mod sse;
pub mod upgrade;
pub mod websocket;
pub mod writer;
