//! Builds a [`User`] from the columns that several queries return.

use shared::session::{RoleError, User};

/// Builds a user.
///
/// # Errors
/// `Decode` for an unknown role, which a constraint of the table rules out.
pub(super) fn to_user(id: i64, email: String, role: &str) -> Result<User, sqlx::Error> {
    let role = role.parse().map_err(|error: RoleError| sqlx::Error::Decode(error.into()))?;
    Ok(User { id, email, role })
}
