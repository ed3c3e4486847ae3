//! `GET /api/notifications`: the caller's notifications, newest first.

pub mod inbox;
pub mod rules;

use std::sync::Arc;

use serde::Serialize;
use shared::session::Caller;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::page::{IdCursor, Limit, List, Page};
use crate::state::AppState;
use crate::store::notifications::{self, ListedNotification, NotificationFilter};

#[derive(Serialize, ToSchema)]
struct Inbox {
    #[serde(flatten)]
    list: List<ListedNotification>,
    /// The number of unread notifications, counted up to 1,000.
    unread: i64,
}

/// Lists the notifications that the caller received or sent, newest first.
///
/// A page may have fewer items than `limit`, or none at all, even if `next` is not null.
///
/// # Errors
/// 401, 400 `bad_page`.
#[utoipa::path(get, path = "/api/notifications", operation_id = "listNotifications", tag = "notifications",
    params(Limit, IdCursor,
        ("kind" = Option<String>, Query, description = "Only notifications of this kind.",
            pattern = "^(open|event|message|alert)?$"),
        ("from_user" = Option<i64>, Query, description = "Only messages from the user with this id."),
        ("unread" = Option<bool>, Query, description = "`true` for unread notifications only.")),
    responses((status = 200, description = "A page of notifications.", body = Inbox),
        (status = 400, description = "`bad_page`")))]
pub async fn list(state: Arc<AppState>, caller: Caller, page: Page) -> Result<Response, ApiError> {
    let (filter, before) = (read_filter(&page)?, page.before()?);
    let scan = notifications::list(&state.reading, &caller, &filter, before, page.rows()).await?;
    let mut list = page.cut(scan.notifications, |last| last.notification.id.to_string());
    list.next = list.next.or_else(|| scan.continue_before.map(|id| id.to_string()));
    let masking = caller.masking();
    list.items = list.items.into_iter().map(|listed| listed.seen_with(&masking)).collect();
    let unread = notifications::count_unread(&state.reading, &caller).await?;
    Ok(warp::reply::json(&Inbox { list, unread }).into_response())
}

fn read_filter(page: &Page) -> Result<NotificationFilter, ApiError> {
    let mut filter = NotificationFilter::default();
    for (name, value) in page.filters.iter().filter(|(_, value)| !value.is_empty()) {
        match (name.as_ref(), value.as_ref()) {
            ("kind", "open" | "event" | "message" | "alert") => filter.kind = Some(value.clone()),
            ("from_user", id) => filter.from_user = Some(id.parse().map_err(|_| ApiError::bad_page(name))?),
            ("unread", "true") => filter.unread = true,
            ("unread", "false") => filter.unread = false,
            _ => return Err(ApiError::bad_page(name)),
        }
    }
    Ok(filter)
}
