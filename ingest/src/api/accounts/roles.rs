//! `/api/roles`: what is usual for the users of each role.

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;
use shared::masking::Addresses;
use shared::session::{Caller, Role};
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::accounts::session_change;
use crate::http::error::ApiError;
use crate::http::page::List;
use crate::state::AppState;
use crate::store::accounts::roles::{self, RoleSettings};

/// Lists the roles, and how their users usually see addresses.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/roles", operation_id = "listRoles", tag = "accounts", security(("session" = ["admin"])),
    responses((status = 200, description = "The roles.", body = List<RoleSettings>)))]
pub(crate) async fn list(state: Arc<AppState>, _: Caller) -> Result<Response, ApiError> {
    let items = roles::list(&state.pool).await?;
    Ok(warp::reply::json(&List { items, next: None }).into_response())
}

/// A change of a role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangeRole)]
pub(crate) struct RoleChange {
    addresses: Addresses,
}

/// Sets how the users of a role see addresses, unless they have a setting of their own.
///
/// Live connections and exports end within seconds, if addresses are masked from now on.
///
/// # Errors
/// 400, 401, 403, 404 for an unknown role, 409 `masked_admin`.
#[utoipa::path(patch, path = "/api/roles/{role}", operation_id = "changeRole", tag = "accounts",
    security(("session" = ["admin"], "csrf" = [])),
    params(("role" = Role, Path, description = "The role.")),
    request_body = RoleChange,
    responses((status = 204, description = "The role was changed."), (status = 409, description = "`masked_admin`")))]
pub(crate) async fn change(
    state: Arc<AppState>,
    role: String,
    admin: Caller,
    RoleChange { addresses }: RoleChange,
) -> Result<Response, ApiError> {
    let role: Role = role.parse().map_err(|_| ApiError::NotFound)?;
    if role == Role::Admin && addresses == Addresses::Masked {
        return Err(ApiError::MaskedAdmin);
    }
    roles::set_addresses(&state.pool, admin.user.id, role, addresses).await?;
    session_change::announce(&state).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}
