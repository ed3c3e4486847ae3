//! Users, sessions and API tokens. The credentials of every request are checked in Postgres.

mod authenticate;
mod caller;
mod cookie;
mod secret;
mod user;

pub use authenticate::{authenticate, authenticate_again};
pub use caller::{Caller, Credential, Permission};
pub use cookie::{cookie, cookie_name};
pub use secret::{Hash, new_secret};
pub use user::{Grant, GrantError, Role, RoleError, User};
