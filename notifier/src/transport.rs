//! Connections to clients.
//!
//! [`admission`] decides who may connect. [`upgrade`] opens websockets, which [`session`] then serves, and [`sse`] serves event
//! streams. [`writer`] writes to both, and [`websocket`] encodes and decodes RFC 6455 frames.

pub mod admission;
pub mod session;
pub mod sse;
pub mod upgrade;
pub mod websocket;
pub mod writer;
