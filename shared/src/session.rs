//! Who is asking: a session cookie or an API token, looked up in Postgres on every request.

mod authenticate;
mod caller;
mod cookie;
mod secret;
mod user;

pub use authenticate::authenticate;
pub use caller::{Caller, Credential};
pub use cookie::{cookie, cookie_name};
pub use secret::{Hash, new_secret};
pub use user::{Role, RoleError, User};
