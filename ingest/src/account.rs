//! Sign-in and who may what.

pub mod inbox;
pub mod password;
pub mod session;
mod throttle;
pub mod users;
