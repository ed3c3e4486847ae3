//! Sign-in, users, API tokens, saved views, and the audit log.

pub(crate) mod audit;
mod cookie;
pub(crate) mod email;
pub(crate) mod invitation;
pub mod oidc;
pub(crate) mod password;
pub(crate) mod password_change;
pub(crate) mod restrictions;
pub(crate) mod roles;
pub(crate) mod session;
mod session_change;
pub(crate) mod sessions;
mod throttle;
pub(crate) mod tokens;
pub(crate) mod users;
pub(crate) mod views;
