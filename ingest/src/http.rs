//! Code shared by all handlers, and the router that dispatches requests to them.

pub mod auth;
pub mod body;
pub mod error;
pub mod openapi;
pub mod page;
pub(crate) mod reply;
pub(crate) mod route;
pub mod router;
