//! API handlers: each checks who may call it, calls the store, and builds the response. They contain no SQL.

pub mod accounts;
pub mod events;
pub mod health;
pub mod notifications;
pub mod quarantine;
pub(crate) mod reading;
pub mod refusals;
pub mod system;
