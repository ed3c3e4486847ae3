//! `/api/views`: filters of the events page under a name, for oneself or for all.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::session::{Caller, Role};
use sqlx::PgPool;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::page::List;
use crate::state::AppState;

/// Views of one user, at most.
const MOST: i64 = 100;
/// Characters of a name.
const LONGEST_NAME: usize = 60;
/// Characters of a query string.
const LONGEST_QUERY: usize = 4_096;

#[derive(Serialize, ToSchema)]
struct View {
    id: i64,
    name: String,
    /// The query string of the events page.
    query: String,
    /// Everybody sees it.
    shared: bool,
    mine: bool,
    owner_email: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ViewContent)]
pub struct Wanted {
    #[schema(min_length = 1, max_length = 60, pattern = "\\S")]
    name: String,
    /// The query string of the events page.
    #[schema(max_length = 4096)]
    query: String,
    /// Everybody sees it.
    shared: bool,
}

impl Wanted {
    fn check(mut self) -> Result<Self, ApiError> {
        self.name = self.name.trim().to_owned();
        let is_name = !self.name.is_empty() && self.name.chars().count() <= LONGEST_NAME;
        if !is_name || self.query.chars().count() > LONGEST_QUERY || self.name.contains('\0') || self.query.contains('\0') {
            return Err(ApiError::NotJson(format!(
                "`name` has 1 to {LONGEST_NAME} characters, and `query` at most {LONGEST_QUERY}"
            )));
        }
        Ok(self)
    }
}

/// Lists one's own saved views, and those that are shared, by name.
///
/// # Errors
/// 401, 403 for tokens that may not read.
#[utoipa::path(get, path = "/api/views", operation_id = "listViews", tag = "views",
    responses((status = 200, description = "By name.", body = List<View>)))]
pub async fn list(state: Arc<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let items = read(&state.pool, caller.user.id, None).await?;
    Ok(warp::reply::json(&List { items, next: None }).into_response())
}

async fn read(pool: &PgPool, user: i64, id: Option<i64>) -> Result<Vec<View>, sqlx::Error> {
    sqlx::query_as!(
        View,
        r#"select views.id, name, query, shared, user_id = $1 as "mine!", email as owner_email
           from views join users on users.id = user_id
           where (user_id = $1 or shared) and ($2::bigint is null or views.id = $2)
           order by lower(name), views.id limit 1000"#,
        user,
        id
    )
    .fetch_all(pool)
    .await
}

async fn one(pool: &PgPool, user: i64, id: i64) -> Result<View, ApiError> {
    read(pool, user, Some(id)).await?.pop().ok_or(ApiError::NotFound)
}

/// Saves a view.
///
/// # Errors
/// 401, 403, 400, 409 `view_exists`, or `too_many_views`.
#[utoipa::path(post, path = "/api/views", operation_id = "addView", tag = "views", security(("session" = [], "csrf" = [])),
    request_body = Wanted,
    responses((status = 201, description = "Saved.", body = View),
        (status = 409, description = "`view_exists`, `too_many_views`")))]
pub async fn add(state: Arc<AppState>, caller: Caller, wanted: Wanted) -> Result<Response, ApiError> {
    let wanted = wanted.check()?;
    let has = sqlx::query_scalar!(r#"select count(*) as "count!" from views where user_id = $1"#, caller.user.id);
    if has.fetch_one(&state.pool).await? >= MOST {
        return Err(ApiError::TooManyViews);
    }
    let added = sqlx::query_scalar!(
        "insert into views (user_id, name, query, shared) values ($1, $2, $3, $4)
         on conflict on constraint views_name_key do nothing returning id",
        caller.user.id,
        wanted.name,
        wanted.query,
        wanted.shared
    );
    let id = added.fetch_optional(&state.pool).await?.ok_or(ApiError::ViewExists)?;
    let view = one(&state.pool, caller.user.id, id).await?;
    Ok(warp::reply::with_status(warp::reply::json(&view), StatusCode::CREATED).into_response())
}

/// Changes a view of one's own, or for admins a shared one.
///
/// # Errors
/// 401, 403, 404, 400, 409 `view_exists`.
#[utoipa::path(put, path = "/api/views/{id}", operation_id = "changeView", tag = "views", security(("session" = [], "csrf" = [])),
    params(("id" = i64, Path, description = "Of the view.")),
    request_body = Wanted,
    responses((status = 200, description = "As it is now.", body = View),
        (status = 204, description = "Changed; the caller, an admin who took back what somebody shared, no longer sees it."),
        (status = 409, description = "`view_exists`")))]
pub async fn change(state: Arc<AppState>, id: i64, caller: Caller, wanted: Wanted) -> Result<Response, ApiError> {
    let wanted = wanted.check()?;
    require_change(&state, &caller, id).await?;
    let changed = sqlx::query!(
        "update views set name = $2, query = $3, shared = $4 where id = $1
           and not exists (select from views as other where other.user_id = views.user_id and other.name = $2 and other.id <> $1)",
        id,
        wanted.name,
        wanted.query,
        wanted.shared
    );
    if changed.execute(&state.pool).await?.rows_affected() == 0 {
        return Err(ApiError::ViewExists);
    }
    // An admin who takes back what somebody shared no longer sees it.
    match one(&state.pool, caller.user.id, id).await {
        Ok(view) => Ok(warp::reply::json(&view).into_response()),
        Err(ApiError::NotFound) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(error) => Err(error),
    }
}

/// Removes a view of one's own, or for admins a shared one.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(delete, path = "/api/views/{id}", operation_id = "removeView", tag = "views",
    security(("session" = [], "csrf" = [])),
    params(("id" = i64, Path, description = "Of the view.")),
    responses((status = 204, description = "Removed.")))]
pub async fn remove(state: Arc<AppState>, id: i64, caller: Caller) -> Result<Response, ApiError> {
    require_change(&state, &caller, id).await?;
    sqlx::query!("delete from views where id = $1", id).execute(&state.pool).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn require_change(state: &AppState, caller: &Caller, id: i64) -> Result<(), ApiError> {
    let view = one(&state.pool, caller.user.id, id).await?;
    if view.mine || caller.user.role == Role::Admin { Ok(()) } else { Err(ApiError::Forbidden) }
}
