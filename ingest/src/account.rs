//! Sign-in and who may what.

pub mod password;
pub mod session;
mod throttle;
pub mod users;
