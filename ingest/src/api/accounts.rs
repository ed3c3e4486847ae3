//! Signing in, users, tokens, saved views and the audit log.

pub(crate) mod audit;
pub mod invitation;
pub mod oidc;
pub mod password;
pub mod password_change;
pub mod session;
pub mod sessions;
pub(crate) mod throttle;
pub mod tokens;
pub mod users;
pub mod views;
