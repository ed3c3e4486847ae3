//! Builds a [`User`] from the columns returned by several queries.

use shared::session::{RoleError, User};
use shared::visibility::Restriction;
use sqlx::types::Json;

/// Builds a user.
///
/// # Errors
/// Returns `Decode` if the role is unknown, which a table constraint rules out.
pub(super) fn to_user(id: i64, email: String, role: &str, restriction: Option<Json<Restriction>>) -> Result<User, sqlx::Error> {
    let role = role.parse().map_err(|error: RoleError| sqlx::Error::Decode(error.into()))?;
    Ok(User { id, email, role, restriction: restriction.map(|Json(restriction)| restriction) })
}
