//! What is usual for each role.

use serde::Serialize;
use serde_json::json;
use shared::masking::Addresses;
use shared::session::Role;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::store::accounts::audit;

/// A role and how its users usually see addresses.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoleSettings {
    role: Role,
    /// For users of the role who have no setting of their own. Admins always see addresses.
    addresses: Addresses,
}

/// The settings of all roles.
pub(crate) async fn list(pool: &PgPool) -> Result<Vec<RoleSettings>, sqlx::Error> {
    let masked = sqlx::query_scalar!("select role from masked_roles").fetch_all(pool).await?;
    let settings = |role: Role| {
        let is_masked = masked.contains(&role.to_string());
        RoleSettings { role, addresses: Addresses::masked_if(is_masked) }
    };
    Ok([Role::Viewer, Role::Operator, Role::Admin].into_iter().map(settings).collect())
}

/// Sets how the users of a role usually see addresses.
pub(crate) async fn set_addresses(pool: &PgPool, admin: i64, role: Role, addresses: Addresses) -> Result<(), sqlx::Error> {
    let (mut transaction, name) = (pool.begin().await?, role.to_string());
    let changed = match addresses {
        Addresses::Masked => sqlx::query!("insert into masked_roles (role) values ($1) on conflict do nothing", name),
        Addresses::Full => sqlx::query!("delete from masked_roles where role = $1", name),
    };
    changed.execute(&mut *transaction).await?;
    audit::record(&mut *transaction, admin, "role_changed", json!({"role": role, "addresses": addresses})).await?;
    transaction.commit().await
}
