//! `/api/notifications`: what the caller was told, newest first.

use std::sync::Arc;

use http::HeaderMap;
use shared::notification::{Notification, Sender};
use warp::reply::{Reply, Response};

use super::page::Page;
use crate::account::session;
use crate::app::Context;
use crate::error::ApiError;

/// `GET /api/notifications`: `{"items":[…],"next":…}` of those addressed to the caller or sent by them.
///
/// # Errors
/// 401, 400 `bad_page`.
pub async fn list(context: Arc<Context>, headers: HeaderMap, query: String) -> Result<Response, ApiError> {
    let caller = session::reader(&context, &headers).await?;
    let page = Page::read(&query)?;
    if !page.filters.is_empty() {
        return Err(ApiError::BadPage);
    }
    let before = page.cursor.as_ref().map(|cursor| cursor.parse::<i64>().map_err(|_| ApiError::BadPage)).transpose()?;
    let rows = sqlx::query!(
        r#"select notifications.id, kind, title, body, event_id, message_id, recipient, sender_id, audience,
                  notifications.created_at, users.email as "sender?"
           from notifications left join users on users.id = sender_id
           where (audience in ('all', 'user:' || $1::bigint, 'role:' || $2::text) or sender_id = $1)
             and ($3::bigint is null or notifications.id < $3)
           order by notifications.id desc limit $4"#,
        caller.user.id,
        caller.user.role.to_string(),
        before,
        page.rows()
    )
    .fetch_all(&context.reading)
    .await?;
    let notifications = rows
        .into_iter()
        .map(|row| {
            let to = row.audience.parse().map_err(|_| ApiError::Internal("an unknown audience in the database"))?;
            let from = row.sender_id.zip(row.sender).map(|(id, email)| Sender { id, email });
            Ok(Notification {
                id: row.id,
                kind: row.kind,
                title: row.title,
                body: row.body,
                event_id: row.event_id,
                message_id: row.message_id,
                recipient: row.recipient,
                from,
                to,
                at: row.created_at,
            })
        })
        .collect::<Result<Vec<_>, ApiError>>()?;
    Ok(warp::reply::json(&page.cut(notifications, |last| last.id.to_string())).into_response())
}
