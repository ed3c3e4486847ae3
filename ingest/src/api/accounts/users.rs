//! `/api/users`: who can be written to; and for admins, who may sign in, as what, and whether still.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::session::{Caller, Role};
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::accounts::invitation::{self, Invitation};
use crate::api::accounts::{audit, session};
use crate::http::error::ApiError;
use crate::http::page::List;
use crate::state::AppState;

/// What anybody sees of others.
#[derive(Serialize, ToSchema)]
struct Person {
    id: i64,
    email: String,
    #[schema(value_type = Role)]
    role: String,
}

/// What admins see.
#[derive(Serialize, ToSchema)]
struct Account {
    id: i64,
    email: String,
    #[schema(value_type = Role)]
    role: String,
    /// May not sign in.
    disabled: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// To the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    last_seen_at: Option<OffsetDateTime>,
    /// False until they have chosen one by an invitation.
    has_password: bool,
    /// Until when their link is good.
    #[serde(with = "time::serde::rfc3339::option")]
    invited_until: Option<OffsetDateTime>,
}

/// True for what can be an address of ours.
pub(crate) fn is_email(email: &str) -> bool {
    let parts = email.rsplit_once('@');
    let is_whole = parts.is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty());
    is_whole && !email.contains(|letter: char| letter.is_whitespace() || letter.is_control()) && email.chars().count() <= 320
}

/// Lists who can be written to, by address; for admins every account, as `Account` says.
///
/// # Errors
/// 401 when signed out.
#[utoipa::path(get, path = "/api/users", operation_id = "listUsers", tag = "accounts",
    responses((status = 200, description = "By address.", body = List<Person>)))]
pub async fn list(state: Arc<AppState>, caller: Caller) -> Result<Response, ApiError> {
    if caller.may_manage() {
        let items = accounts(&state.pool, None).await?;
        return Ok(warp::reply::json(&List { items, next: None }).into_response());
    }
    let items =
        sqlx::query_as!(Person, "select id, email, role from users where disabled_at is null order by lower(email) limit 1000")
            .fetch_all(&state.pool)
            .await?;
    Ok(warp::reply::json(&List { items, next: None }).into_response())
}

async fn accounts(from: impl PgExecutor<'_>, id: Option<i64>) -> Result<Vec<Account>, sqlx::Error> {
    sqlx::query_as!(
        Account,
        r#"select users.id, email, role, disabled_at is not null as "disabled!", users.created_at, seen_at as last_seen_at,
                  password_hash is not null as "has_password!", expires_at as "invited_until?"
           from users left join invitations on user_id = users.id and expires_at > now()
           where $1::bigint is null or users.id = $1
           order by lower(email) limit 1000"#,
        id
    )
    .fetch_all(from)
    .await
}

async fn account(from: impl PgExecutor<'_>, id: i64) -> Result<Account, ApiError> {
    accounts(from, Some(id)).await?.pop().ok_or(ApiError::NotFound)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser)]
pub struct New {
    #[schema(max_length = 320, pattern = "^[^\\s\\x00-\\x1f\\x7f-\\x9f]+@[^\\s\\x00-\\x1f\\x7f-\\x9f]+$")]
    email: String,
    role: Role,
}

/// An account that was just made.
#[derive(Serialize, ToSchema)]
#[schema(as = UserAdded)]
struct Added {
    user: Account,
    invitation: Invitation,
}

/// Adds a user: gives the account, and the secret of a link by which its owner chooses a password.
///
/// # Errors
/// 401, 403, 400, 409 `user_exists`.
#[utoipa::path(post, path = "/api/users", operation_id = "addUser", tag = "accounts",
    security(("session" = ["admin"], "csrf" = [])),
    request_body = New,
    responses((status = 201, description = "Added.", body = Added), (status = 409, description = "`user_exists`")))]
pub async fn add(state: Arc<AppState>, admin: Caller, New { email, role }: New) -> Result<Response, ApiError> {
    let email = email.trim();
    if !is_email(email) {
        return Err(ApiError::NotJson("`email` is an e-mail address".to_owned()));
    }
    let mut transaction = state.pool.begin().await?;
    let added = sqlx::query_scalar!(
        "insert into users (email, role, read_up_to)
         select $1, $2, coalesce(max(id), 0) from notifications on conflict (lower(email)) do nothing returning id",
        email,
        role.to_string()
    );
    let id = added.fetch_optional(&mut *transaction).await?.ok_or(ApiError::UserExists)?;
    let invitation = invitation::make(&mut *transaction, id).await?;
    audit::note(&mut *transaction, admin.user.id, "user_added", json!({"user": id, "role": role})).await?;
    let user = account(&mut *transaction, id).await?;
    transaction.commit().await?;
    Ok(warp::reply::with_status(warp::reply::json(&Added { user, invitation }), StatusCode::CREATED).into_response())
}

/// What is to change; the rest stays.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangeUser)]
pub struct Change {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<bool>,
}

/// Changes a user's role, or whether they may sign in; gives the account as it is then.
///
/// Whoever is disabled is signed out everywhere.
///
/// # Errors
/// 401, 403, 404, 400, 409 `own_account` or `last_admin`.
#[utoipa::path(patch, path = "/api/users/{id}", operation_id = "changeUser", tag = "accounts",
    security(("session" = ["admin"], "csrf" = [])),
    params(("id" = i64, Path, description = "Of the user.")),
    request_body = Change,
    responses((status = 200, description = "As it is now.", body = Account),
        (status = 409, description = "`own_account`, `last_admin`")))]
pub async fn change(state: Arc<AppState>, id: i64, admin: Caller, change: Change) -> Result<Response, ApiError> {
    // Nobody locks themselves out by a slip.
    if id == admin.user.id {
        return Err(ApiError::OwnAccount);
    }
    let mut transaction = state.pool.begin().await?;
    let changed = sqlx::query!(
        "update users set role = coalesce($2, role),
           disabled_at = case when $3 then coalesce(disabled_at, now()) when not $3 then null else disabled_at end
         where id = $1",
        id,
        change.role.map(|role| role.to_string()),
        change.disabled
    );
    if changed.execute(&mut *transaction).await?.rows_affected() == 0 {
        return Err(ApiError::NotFound);
    }
    require_admin_left(&mut transaction).await?;
    if change.disabled == Some(true) {
        sqlx::query!("delete from sessions where user_id = $1", id).execute(&mut *transaction).await?;
        sqlx::query!("delete from invitations where user_id = $1", id).execute(&mut *transaction).await?;
    }
    audit::note(&mut *transaction, admin.user.id, "user_changed", json!({"user": id, "to": change})).await?;
    let user = account(&mut *transaction, id).await?;
    transaction.commit().await?;
    session::announce(&state).await;
    Ok(warp::reply::json(&user).into_response())
}

/// Two admins who demote each other at the same time wait for each other here.
async fn require_admin_left(transaction: &mut PgConnection) -> Result<(), ApiError> {
    let admins = sqlx::query_scalar!("select id from users where role = 'admin' and disabled_at is null order by id for update");
    if admins.fetch_all(transaction).await?.is_empty() { Err(ApiError::LastAdmin) } else { Ok(()) }
}
