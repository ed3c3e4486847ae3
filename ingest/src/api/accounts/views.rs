//! `/api/views`: named filters for the events page, private or shared.

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;
use shared::session::{Caller, Role};
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::page::List;
use crate::http::reply;
use crate::state::AppState;
use crate::store::accounts::views::{self, AddOutcome, View};

/// Maximum length of a name in characters.
const MAX_NAME_LENGTH: usize = 60;
/// Maximum length of a query string in characters.
const MAX_QUERY_LENGTH: usize = 4_096;

/// The content of a saved view.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewContent {
    #[schema(min_length = 1, max_length = 60, pattern = "\\S")]
    name: String,
    /// The query string of the events page.
    #[schema(max_length = 4096)]
    query: String,
    /// True if all users see the view.
    shared: bool,
}

impl ViewContent {
    /// Trims the name and checks the lengths.
    fn normalize(mut self) -> Result<Self, ApiError> {
        self.name = self.name.trim().to_owned();
        let is_name = !self.name.is_empty() && self.name.chars().count() <= MAX_NAME_LENGTH;
        if !is_name || self.query.chars().count() > MAX_QUERY_LENGTH || self.name.contains('\0') || self.query.contains('\0') {
            return Err(ApiError::NotJson(format!(
                "`name` must have 1 to {MAX_NAME_LENGTH} characters, and `query` up to {MAX_QUERY_LENGTH}"
            )));
        }
        Ok(self)
    }
}

/// Lists the caller's saved views and the shared ones.
///
/// # Errors
/// 401, 403 for tokens without the `read` scope.
#[utoipa::path(get, path = "/api/views", operation_id = "listViews", tag = "views",
    responses((status = 200, description = "The views, ordered by name.", body = List<View>)))]
pub(crate) async fn list(state: Arc<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let items = views::list(&state.pool, caller.user.id).await?;
    reply::json(&caller, &List { items, next: None })
}

/// Saves a view.
///
/// # Errors
/// 400, 401, 403, 409 `view_exists` or `too_many_views`.
#[utoipa::path(post, path = "/api/views", operation_id = "addView", tag = "views", security(("session" = [], "csrf" = [])),
    request_body = ViewContent,
    responses((status = 201, description = "The view was saved.", body = View),
        (status = 409, description = "`view_exists`, `too_many_views`")))]
pub(crate) async fn add(state: Arc<AppState>, caller: Caller, content: ViewContent) -> Result<Response, ApiError> {
    let content = content.normalize()?;
    let user = caller.user.id;
    let id = match views::add(&state.pool, user, &content.name, &content.query, content.shared).await? {
        AddOutcome::Added(id) => id,
        AddOutcome::NameTaken => return Err(ApiError::ViewExists),
        AddOutcome::TooMany => return Err(ApiError::TooManyViews),
    };
    let view = views::find(&state.pool, user, id).await?.ok_or(ApiError::NotFound)?;
    Ok(warp::reply::with_status(warp::reply::json(&view), StatusCode::CREATED).into_response())
}

/// Changes one of the caller's views. Admins can also change shared views.
///
/// # Errors
/// 400, 401, 403, 404, 409 `view_exists`.
#[utoipa::path(put, path = "/api/views/{id}", operation_id = "changeView", tag = "views", security(("session" = [], "csrf" = [])),
    params(("id" = i64, Path, description = "Id of the view.")),
    request_body = ViewContent,
    responses((status = 200, description = "The changed view.", body = View),
        (status = 204, description = "The view was changed. The caller is an admin who unshared it and no longer sees it."),
        (status = 409, description = "`view_exists`")))]
pub(crate) async fn change(state: Arc<AppState>, id: i64, caller: Caller, content: ViewContent) -> Result<Response, ApiError> {
    let content = content.normalize()?;
    require_change(&state, &caller, id).await?;
    if !views::change(&state.pool, id, &content.name, &content.query, content.shared).await? {
        return Err(ApiError::ViewExists);
    }
    // An admin who unshares another user's view no longer sees it.
    Ok(match views::find(&state.pool, caller.user.id, id).await? {
        Some(view) => warp::reply::json(&view).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Removes one of the caller's views. Admins can also remove shared views.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(delete, path = "/api/views/{id}", operation_id = "removeView", tag = "views",
    security(("session" = [], "csrf" = [])),
    params(("id" = i64, Path, description = "Id of the view.")),
    responses((status = 204, description = "The view was removed.")))]
pub(crate) async fn remove(state: Arc<AppState>, id: i64, caller: Caller) -> Result<Response, ApiError> {
    require_change(&state, &caller, id).await?;
    views::remove(&state.pool, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Rejects callers who are not allowed to change the view: those who neither own it nor are admins.
async fn require_change(state: &AppState, caller: &Caller, id: i64) -> Result<(), ApiError> {
    let view = views::find(&state.pool, caller.user.id, id).await?.ok_or(ApiError::NotFound)?;
    if view.mine || caller.user.role == Role::Admin { Ok(()) } else { Err(ApiError::Forbidden) }
}
