//! Reads a [`User`].

use shared::masking::Addresses;
use shared::session::{RoleError, User};
use shared::visibility::Restriction;
use sqlx::PgExecutor;
use sqlx::types::Json;

/// Reads the user with this id, who must exist.
///
/// # Errors
/// Returns an error if Postgres fails; `Decode` if the role is unknown, which a table constraint rules out.
pub(super) async fn read(executor: impl PgExecutor<'_>, id: i64) -> Result<User, sqlx::Error> {
    let row = sqlx::query!(
        r#"select id, email, role, restriction as "restriction: Json<Restriction>", is_masked(role, addresses) as "is_masked!"
           from users where id = $1"#,
        id
    );
    let row = row.fetch_one(executor).await?;
    let role = row.role.parse().map_err(|error: RoleError| sqlx::Error::Decode(error.into()))?;
    let (restriction, addresses) = (row.restriction.map(|restriction| restriction.0), Addresses::masked_if(row.is_masked));
    Ok(User { id: row.id, email: row.email, role, restriction, addresses })
}
