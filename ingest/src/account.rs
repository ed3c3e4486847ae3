//! Sign-in and who may what.

pub(crate) mod audit;
pub mod commands;
pub mod inbox;
pub mod invitation;
pub mod oidc;
pub mod password;
pub mod password_change;
pub mod rules;
pub mod session;
pub mod sessions;
mod throttle;
pub mod tokens;
pub mod users;
pub mod views;
