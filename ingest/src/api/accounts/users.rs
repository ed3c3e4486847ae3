//! `/api/users`: the user directory for everyone, and account management for admins.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::masking::Addresses;
use shared::session::{Caller, Grant, Hash, Permission, Role};
use shared::visibility::Restriction;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::accounts::email::is_email;
use crate::api::accounts::invitation::{self, Invitation};
use crate::api::accounts::restrictions::normalized;
use crate::api::accounts::session_change;
use crate::http::error::ApiError;
use crate::http::page::List;
use crate::state::AppState;
use crate::store::accounts::users::{self, Account, AccountChange, ChangeOutcome, Person};

/// Lists the users who can sign in. Admins with a session get every account, each as an `Account`. A caller who is limited to a part of all events
/// gets the users who are not, and their own account.
///
/// # Errors
/// 401.
#[utoipa::path(get, path = "/api/users", operation_id = "listUsers", tag = "accounts",
    responses((status = 200, description = "The users, ordered by email address.", body = List<Person>)))]
pub(crate) async fn list(state: Arc<AppState>, caller: Caller) -> Result<Response, ApiError> {
    if caller.may(Permission::Manage) {
        let items = users::list_accounts(&state.pool).await?;
        return Ok(warp::reply::json(&List { items, next: None }).into_response());
    }
    let items = users::list_people(&state.pool, &caller).await?;
    Ok(warp::reply::json(&List { items, next: None }).into_response())
}

/// A user to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    #[schema(max_length = 320, pattern = "^[^\\s\\x00-\\x1f\\x7f-\\x9f]+@[^\\s\\x00-\\x1f\\x7f-\\x9f]+$")]
    email: String,
    role: Role,
    /// The events that the user is limited to. Only viewers can be limited.
    #[serde(default)]
    #[schema(required = false)]
    restriction: Option<Restriction>,
    /// How the user sees addresses; null for what is usual for the role.
    #[serde(default)]
    #[schema(required = false)]
    addresses: Option<Addresses>,
}

/// A newly added user.
#[derive(Serialize, ToSchema)]
struct UserAdded {
    user: Account,
    invitation: Invitation,
}

/// Adds a user. Returns the account and an invitation that lets the user set a password.
///
/// # Errors
/// 400, 401, 403, 409 `user_exists`, `limited_role` or `masked_admin`.
#[utoipa::path(post, path = "/api/users", operation_id = "addUser", tag = "accounts",
    security(("session" = ["admin"], "csrf" = [])),
    request_body = NewUser,
    responses((status = 201, description = "The user was added.", body = UserAdded),
        (status = 409, description = "`user_exists`, `limited_role`, `masked_admin`")))]
pub(crate) async fn add(state: Arc<AppState>, admin: Caller, user: NewUser) -> Result<Response, ApiError> {
    let NewUser { email, role, restriction, addresses } = user;
    let (email, restriction) = (email.trim(), normalized(restriction)?);
    let grant = Grant { role, restriction, addresses };
    grant.check()?;
    if !is_email(email) {
        return Err(ApiError::NotJson("`email` must be an email address".to_owned()));
    }
    let token = invitation::new_token()?;
    let added = users::add(&state.pool, admin.user.id, email, &grant, &Hash::of(&token)).await?;
    let (user, expires_at) = added.ok_or(ApiError::UserExists)?;
    let added = UserAdded { user, invitation: Invitation { token, expires_at } };
    Ok(warp::reply::with_status(warp::reply::json(&added), StatusCode::CREATED).into_response())
}

/// Changes a user's role, what the user may see, or disables or enables the account. Returns the account.
///
/// Disabling an account ends all its sessions. Live connections and exports that show what the user may no longer see end within seconds.
///
/// # Errors
/// 400, 401, 403, 404, 409 `own_account`, `last_admin`, `limited_role` or `masked_admin`.
#[utoipa::path(patch, path = "/api/users/{id}", operation_id = "changeUser", tag = "accounts",
    security(("session" = ["admin"], "csrf" = [])),
    params(("id" = i64, Path, description = "Id of the user.")),
    request_body = AccountChange,
    responses((status = 200, description = "The changed account.", body = Account),
        (status = 409, description = "`own_account`, `last_admin`, `limited_role`, `masked_admin`")))]
pub(crate) async fn change(
    state: Arc<AppState>,
    id: i64,
    admin: Caller,
    mut change: AccountChange,
) -> Result<Response, ApiError> {
    change.restriction = change.restriction.map(normalized).transpose()?;
    // Keep admins from locking themselves out by mistake.
    if id == admin.user.id {
        return Err(ApiError::OwnAccount);
    }
    let user = match users::change(&state.pool, admin.user.id, id, &change).await? {
        ChangeOutcome::Changed(account) => account,
        ChangeOutcome::NotFound => return Err(ApiError::NotFound),
        ChangeOutcome::LastAdmin => return Err(ApiError::LastAdmin),
        ChangeOutcome::NotPossible(error) => return Err(error.into()),
    };
    session_change::announce(&state).await;
    Ok(warp::reply::json(&user).into_response())
}
