//! Users, their credentials, saved views, and the audit log.

pub(crate) mod audit;
pub(crate) mod expiry;
pub(crate) mod invitations;
pub(crate) mod oidc;
pub(crate) mod passwords;
pub(crate) mod roles;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod tokens;
mod user_row;
pub(crate) mod users;
pub(crate) mod views;
