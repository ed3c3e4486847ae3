//! What every handler needs, and the router that leads to the handlers.

pub mod body;
pub mod error;
pub mod openapi;
pub mod page;
pub mod router;
