//! The caller's read markers, and messages to other users.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::feed::{self, EncodedBatch, FeedItem};
use shared::message::{self, Message, MessageError};
use shared::notification::{ReadMark, UnreadMark};
use shared::session::Caller;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::state::AppState;
use crate::store::notifications;

/// Maximum number of ids that one request can mark.
const MAX_IDS: usize = 1_000;

#[derive(Serialize, ToSchema)]
struct Marked {
    /// Ids that this request has marked as read, the newest 1,000 at most. `POST /api/notifications/unread` undoes it.
    marked: Vec<i64>,
    /// The number of notifications that are still unread, counted up to 1,000.
    unread: i64,
}

#[derive(Serialize, ToSchema)]
struct Unread {
    /// The number of unread notifications, counted up to 1,000.
    unread: i64,
}

/// The notifications to mark as read: either `ids` or `up_to`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkRead {
    /// Ids of individual notifications.
    #[serde(default)]
    #[schema(max_items = 1000)]
    ids: Vec<i64>,
    /// Marks all notifications up to this id as read.
    up_to: Option<i64>,
}

/// The notifications to mark as unread.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkUnread {
    #[schema(min_items = 1, max_items = 1000)]
    ids: Vec<i64>,
}

/// Marks notifications as read, and updates the user's other open pages.
///
/// # Errors
/// 401, 403 for tokens and foreign origins, 400 `bad_json` if neither or both of `ids` and `up_to` are given.
#[utoipa::path(post, path = "/api/notifications/read", operation_id = "markRead", tag = "notifications",
    security(("session" = [], "csrf" = [])),
    request_body = MarkRead,
    responses((status = 200, description = "The notifications are marked as read.", body = Marked)))]
pub async fn mark_read(state: Arc<AppState>, caller: Caller, MarkRead { ids, up_to }: MarkRead) -> Result<Response, ApiError> {
    if ids.is_empty() == up_to.is_none() || ids.len() > MAX_IDS {
        return Err(ApiError::NotJson(format!("give either `up_to` or 1 to {MAX_IDS} `ids`")));
    }
    let marked = match up_to {
        Some(up_to) => notifications::mark_read_up_to(&state.pool, &caller, up_to).await?,
        None => notifications::mark_read(&state.pool, &caller, &ids).await?,
    };
    let unread = notifications::count_unread(&state.pool, &caller).await?;
    let read = ReadMark { user: caller.user.id, ids, up_to, unread };
    publish(&state, FeedItem { read: Some(read), ..FeedItem::default() }).await;
    Ok(warp::reply::json(&Marked { marked, unread }).into_response())
}

/// Marks notifications as unread, and updates the user's other open pages.
///
/// Ids older than the newest 10,000 notifications, and those of messages that the caller sent, stay as they are.
///
/// # Errors
/// 401, 403 for tokens and foreign origins, 400 `bad_json` without ids.
#[utoipa::path(post, path = "/api/notifications/unread", operation_id = "markUnread", tag = "notifications",
    security(("session" = [], "csrf" = [])),
    request_body = MarkUnread,
    responses((status = 200, description = "The notifications are marked as unread.", body = Unread)))]
pub async fn mark_unread(state: Arc<AppState>, caller: Caller, MarkUnread { ids }: MarkUnread) -> Result<Response, ApiError> {
    if ids.is_empty() || ids.len() > MAX_IDS {
        return Err(ApiError::NotJson(format!("give 1 to {MAX_IDS} `ids`")));
    }
    let ids = notifications::mark_unread(&state.pool, &caller, &ids).await?;
    let unread = notifications::count_unread(&state.pool, &caller).await?;
    let mark = UnreadMark { user: caller.user.id, ids, unread };
    publish(&state, FeedItem { unread: Some(mark), ..FeedItem::default() }).await;
    Ok(warp::reply::json(&Unread { unread }).into_response())
}

/// Publishes a mark to the user's other pages. If that fails, they pick it up on their next request.
async fn publish(state: &AppState, mark: FeedItem) {
    let published = async {
        let item = EncodedBatch::of(&mark)?;
        feed::append(&mut state.redis.get().await?, &item).await
    };
    if let Err(error) = published.await {
        tracing::debug!(%error, "could not publish a read or unread mark");
    }
}

/// A message to other users.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// The recipients: `all`, `user:ID` or `role:NAME`.
    #[schema(pattern = "^(all|user:[1-9][0-9]{0,17}|role:(viewer|operator|admin))$")]
    to: String,
    /// A single line.
    #[schema(min_length = 1, max_length = 200, pattern = "\\S")]
    title: String,
    /// The text below the title.
    #[serde(default)]
    #[schema(max_length = 2000)]
    body: String,
}

#[derive(Serialize, ToSchema)]
struct MessageSent {
    /// The id of the notification.
    id: i64,
}

/// Sends a message to other users.
///
/// The message is stored before the response is sent, and published shortly after.
///
/// # Errors
/// 401, 403 for tokens and foreign origins, 400 `bad_audience` or `bad_length`, 404 `no_such_user`.
#[utoipa::path(post, path = "/api/notifications", operation_id = "sendMessage", tag = "notifications",
    security(("session" = [], "csrf" = [])),
    request_body = NewMessage,
    responses((status = 201, description = "The message is stored.", body = MessageSent),
        (status = 400, description = "`bad_audience`, `bad_length`"), (status = 404, description = "`no_such_user`")))]
pub async fn send(
    state: Arc<AppState>,
    caller: Caller,
    NewMessage { to, title, body }: NewMessage,
) -> Result<Response, ApiError> {
    let message = Message::new(&caller, &to, &title, &body)?;
    let ids = message::store(&state.pool, &[&message]).await?;
    let id = ids.first().copied().flatten().ok_or(MessageError::NoUser)?;
    state.outbox_filled.notify_one();
    Ok(warp::reply::with_status(warp::reply::json(&MessageSent { id }), StatusCode::CREATED).into_response())
}
