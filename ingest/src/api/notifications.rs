//! `/api/notifications`: what the caller was told, newest first.

pub mod inbox;
pub mod rules;

use std::sync::Arc;

use serde::Serialize;
use shared::notification::{Audience, Notification, Sender};
use shared::session::Caller;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::page::{IdCursor, Limit, List, Page};
use crate::state::AppState;

#[derive(Serialize, ToSchema)]
#[schema(as = ToldNotification)]
pub struct Told {
    #[serde(flatten)]
    notification: Notification,
    /// By the caller; what they sent themselves counts as read.
    read: bool,
}

#[derive(Serialize, ToSchema)]
struct Inbox {
    #[serde(flatten)]
    list: List<Told>,
    /// How many are unread in all; at most 1,000 are counted.
    unread: i64,
}

/// Which of them.
#[derive(Default)]
struct Wanted {
    kind: Option<String>,
    from_user: Option<i64>,
    unread: bool,
}

impl Wanted {
    fn read(page: &Page) -> Result<Self, ApiError> {
        let mut wanted = Self::default();
        for (name, value) in page.filters.iter().filter(|(_, value)| !value.is_empty()) {
            match (name.as_ref(), value.as_ref()) {
                ("kind", "open" | "event" | "message" | "alert") => wanted.kind = Some(value.clone()),
                ("from_user", id) => wanted.from_user = Some(id.parse().map_err(|_| ApiError::BadPage)?),
                ("unread", "true") => wanted.unread = true,
                ("unread", "false") => wanted.unread = false,
                _ => return Err(ApiError::BadPage),
            }
        }
        Ok(wanted)
    }
}

/// The ids that one page looks through. Somebody who is told of few of very many gets short pages, even empty ones, and where to go on.
struct Window {
    /// Of what is there at all.
    oldest: i64,
    from: i64,
    before: i64,
}

impl Window {
    async fn of(state: &AppState, page: &Page, wanted: &Wanted) -> Result<Self, ApiError> {
        let ends =
            sqlx::query!(r#"select coalesce(min(id), 0) as "oldest!", coalesce(max(id), 0) as "newest!" from notifications"#);
        let ends = ends.fetch_one(&state.reading).await?;
        let before = page.before()?.unwrap_or(ends.newest + 1);
        // What is no open is found by its index.
        let is_rare = wanted.from_user.is_some() || wanted.kind.as_ref().is_some_and(|kind| kind != "open");
        Ok(Self { oldest: ends.oldest, from: if is_rare { 0 } else { before.saturating_sub(inbox::WINDOW) }, before })
    }

    /// Where to go on when the page is not full.
    fn next(&self) -> Option<String> {
        (self.from > self.oldest).then(|| self.from.to_string())
    }
}

/// Lists what the caller was told, or told others, newest first.
///
/// # Errors
/// 401, 400 `bad_page`.
#[utoipa::path(get, path = "/api/notifications", operation_id = "listNotifications", tag = "notifications",
    params(Limit, IdCursor,
        ("kind" = Option<String>, Query, description = "Those of one kind.", pattern = "^(open|event|message|alert)?$"),
        ("from_user" = Option<i64>, Query, description = "Those that one user sent."),
        ("unread" = Option<bool>, Query, description = "Those that the caller has not read.")),
    responses((status = 200, description = "A page of notifications.", body = Inbox), (status = 400, description = "`bad_page`")))]
pub async fn list(state: Arc<AppState>, caller: Caller, page: Page) -> Result<Response, ApiError> {
    let wanted = Wanted::read(&page)?;
    let window = Window::of(&state, &page, &wanted).await?;
    let rows = sqlx::query!(
        r#"select notifications.id, kind, title, body, event_id, message_id, recipient, sender_id, audience,
                  notifications.created_at, users.email as "sender?",
                  (notifications.id <= coalesce((select read_up_to from users as reader where reader.id = $1), 0)
                   or sender_id is not distinct from $1
                   or exists (select from notification_reads where user_id = $1 and notification_id = notifications.id))
                    as "read!"
           from notifications left join users on users.id = sender_id
           where (includes(audience, $1, $2) or sender_id = $1)
             and notifications.id < $3 and notifications.id >= $8
             and ($5::text is null or kind = $5)
             and ($6::bigint is null or (sender_id = $6 and kind <> 'open'))
             and (not $7 or (notifications.id > coalesce((select read_up_to from users as reader where reader.id = $1), 0)
                             and sender_id is distinct from $1
                             and not exists (select from notification_reads
                                             where user_id = $1 and notification_id = notifications.id)))
           order by notifications.id desc limit $4"#,
        caller.user.id,
        caller.user.role.to_string(),
        window.before,
        page.rows(),
        wanted.kind,
        wanted.from_user,
        wanted.unread,
        window.from
    )
    .fetch_all(&state.reading)
    .await?;
    let notifications = rows
        .into_iter()
        .map(|row| {
            let to: Audience = row.audience.parse().map_err(|_| ApiError::Internal("an unknown audience in the database"))?;
            let from = row.sender_id.zip(row.sender).map(|(id, email)| Sender { id, email });
            let notification = Notification {
                id: row.id,
                kind: row.kind,
                title: row.title,
                body: row.body,
                event_id: row.event_id,
                message_id: row.message_id,
                recipient: row.recipient,
                from,
                to: to.redacted(),
                at: row.created_at,
            };
            Ok(Told { notification, read: row.read })
        })
        .collect::<Result<Vec<_>, ApiError>>()?;
    let mut list = page.cut(notifications, |last| last.notification.id.to_string());
    list.next = list.next.or_else(|| window.next());
    let unread = inbox::unread(&state.reading, &caller.user).await?;
    Ok(warp::reply::json(&Inbox { list, unread }).into_response())
}
