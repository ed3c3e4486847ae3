//! What a user has read of what they were told, and what they write to others.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::feed::{self, EncodedBatch, FeedItem};
use shared::message::{self, Message, MessageError};
use shared::notification::ReadMark;
use shared::session::{Caller, User};
use sqlx::PgPool;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::state::AppState;

/// Single notifications marked at once, at most.
const MOST_IDS: usize = 1_000;
/// How many ids are looked through at once for those that concern one user.
pub(crate) const WINDOW: i64 = 100_000;
/// From here on, how many are unread is not counted.
const MOST_UNREAD: i64 = 1_000;

#[derive(Serialize, ToSchema)]
#[schema(as = Unread)]
struct Marked {
    /// How many are left unread; at most 1,000 are counted.
    unread: i64,
}

/// How many notifications `user` has not read: those addressed to them that they did not send. At most 1,000 are counted, of the
/// newest 100,000 of all: who is told of little must not wait for everything to be looked at.
pub(crate) async fn unread(pool: &PgPool, user: &User) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
             select from notifications
             where id > greatest((select read_up_to from users where users.id = $1),
                                 (select max(id) from notifications) - $4)
               and includes(audience, $1, $2) and sender_id is distinct from $1
               and not exists (select from notification_reads where user_id = $1 and notification_id = notifications.id)
             limit $3
           ) as unread"#,
        user.id,
        user.role.to_string(),
        MOST_UNREAD,
        WINDOW
    )
    .fetch_one(pool)
    .await
}

/// Which to mark: these, or all up to one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MarkRead)]
pub struct Marks {
    #[serde(default)]
    #[schema(max_items = 1000)]
    ids: Vec<i64>,
    up_to: Option<i64>,
}

/// Marks notifications read, and tells the user's other pages.
///
/// # Errors
/// 401, 403 for tokens and from elsewhere, 400 for neither or both of them.
#[utoipa::path(post, path = "/api/notifications/read", operation_id = "markRead", tag = "notifications",
    security(("session" = [], "csrf" = [])),
    request_body = Marks,
    responses((status = 200, description = "Marked.", body = Marked)))]
pub async fn read(state: Arc<AppState>, caller: Caller, marks: Marks) -> Result<Response, ApiError> {
    if marks.ids.is_empty() == marks.up_to.is_none() || marks.ids.len() > MOST_IDS {
        return Err(ApiError::NotJson("one of `ids`, at most 1,000 of them, and `up_to`".to_owned()));
    }
    let user = &caller.user;
    match marks.up_to {
        Some(up_to) => mark_up_to(&state.pool, user, up_to).await?,
        None => mark(&state.pool, user, &marks.ids).await?,
    }
    let unread = unread(&state.pool, user).await?;
    tell(&state, ReadMark { user: user.id, ids: marks.ids, up_to: marks.up_to, unread }).await;
    Ok(warp::reply::json(&Marked { unread }).into_response())
}

async fn mark_up_to(pool: &PgPool, user: &User, up_to: i64) -> Result<(), sqlx::Error> {
    // What does not exist yet cannot have been read.
    sqlx::query!(
        "with marked as (
           update users set read_up_to = greatest(read_up_to, least($2, (select coalesce(max(id), 0) from notifications)))
           where id = $1 returning read_up_to
         )
         delete from notification_reads using marked where user_id = $1 and notification_id <= marked.read_up_to",
        user.id,
        up_to
    )
    .execute(pool)
    .await?;
    Ok(())
}

async fn mark(pool: &PgPool, user: &User, ids: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into notification_reads (user_id, notification_id)
         select $1, id from notifications
         where id = any($2) and id > (select read_up_to from users where users.id = $1)
           and includes(audience, $1, $3)
         on conflict do nothing",
        user.id,
        ids,
        user.role.to_string()
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Tells the user's other pages. Should that fail, they learn it when they next fetch.
async fn tell(state: &AppState, read: ReadMark) {
    let told = async {
        let item = EncodedBatch::of(&FeedItem::<String> { event: None, search: None, notification: None, read: Some(read) })?;
        feed::append(&mut state.redis.get().await?, &item).await
    };
    if let Err(error) = told.await {
        tracing::debug!(%error, "other pages were not told what was read");
    }
}

/// A message from user to user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMessage)]
pub struct Letter {
    /// `all`, `user:ID` or `role:NAME`.
    #[schema(pattern = "^(all|user:[1-9][0-9]{0,17}|role:(viewer|admin))$")]
    to: String,
    /// One line.
    #[schema(min_length = 1, max_length = 200, pattern = "\\S")]
    title: String,
    /// The rest.
    #[serde(default)]
    #[schema(max_length = 2000)]
    body: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = MessageSent)]
struct Sent {
    /// Of the notification.
    id: i64,
}

/// Sends a message to other users: it is stored, then relayed.
///
/// # Errors
/// 401, 403 for tokens and from elsewhere, 400 and 404 as the messages of the socket.
#[utoipa::path(post, path = "/api/notifications", operation_id = "sendMessage", tag = "notifications",
    security(("session" = [], "csrf" = [])),
    request_body = Letter,
    responses((status = 201, description = "Stored.", body = Sent), (status = 400, description = "`bad_audience`, `bad_length`"),
        (status = 404, description = "`no_such_user`")))]
pub async fn send(state: Arc<AppState>, caller: Caller, Letter { to, title, body }: Letter) -> Result<Response, ApiError> {
    let message = Message::new(&caller, &to, &title, &body)?;
    let ids = message::store(&state.pool, &[&message]).await?;
    let id = ids.first().copied().flatten().ok_or(MessageError::NoUser)?;
    state.outbox_filled.notify_one();
    let sent = warp::reply::with_status(warp::reply::json(&Sent { id }), StatusCode::CREATED);
    Ok(sent.into_response())
}
