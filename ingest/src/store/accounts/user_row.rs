//! Reads a [`User`], or what a user was given.

use shared::masking::Addresses;
use shared::session::{Grant, Role, RoleError, User};
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
    let role = role_of(&row.role)?;
    let (restriction, addresses) = (row.restriction.map(|restriction| restriction.0), Addresses::masked_if(row.is_masked));
    Ok(User { id: row.id, email: row.email, role, restriction, addresses })
}

/// Reads what the user with this id, who must exist, was given.
///
/// # Errors
/// Same as [`read`].
pub(super) async fn read_grant(executor: impl PgExecutor<'_>, id: i64) -> Result<Grant, sqlx::Error> {
    let row = sqlx::query!(
        r#"select role, restriction as "restriction: Json<Restriction>", addresses = 'masked' as is_masked from users where id = $1"#,
        id
    );
    let row = row.fetch_one(executor).await?;
    let restriction = row.restriction.map(|restriction| restriction.0);
    Ok(Grant { role: role_of(&row.role)?, restriction, addresses: row.is_masked.map(Addresses::masked_if) })
}

fn role_of(text: &str) -> Result<Role, sqlx::Error> {
    text.parse().map_err(|error: RoleError| sqlx::Error::Decode(error.into()))
}
