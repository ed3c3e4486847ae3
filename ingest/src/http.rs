//! What every handler needs, and the router that leads to the handlers.

pub mod auth;
pub mod body;
pub mod error;
pub mod openapi;
pub mod page;
pub(crate) mod route;
pub mod router;
