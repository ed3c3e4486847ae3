//! The ways to a client: websockets and event streams.

pub mod admission;
pub mod session;
pub mod sse;
pub mod upgrade;
pub mod websocket;
pub mod writer;
