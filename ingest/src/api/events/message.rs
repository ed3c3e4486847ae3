//! `/api/messages/{id}`: everything that became of one message, in the order in which it happened.

use std::sync::Arc;

use serde::Serialize;
use shared::event::Event;
use shared::session::Caller;
use sqlx::QueryBuilder;
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::events::COLUMNS;
use crate::http::error::ApiError;
use crate::http::page::path_text;
use crate::state::AppState;

/// Events of one message that are shown; a mail opened more often than that tells nothing new.
const MOST_EVENTS: i64 = 1_000;
/// Other messages to the same recipient.
const RELATED: i64 = 10;

#[derive(Serialize, ToSchema)]
struct Message {
    message_id: String,
    /// Oldest first.
    events: Vec<Event>,
    /// True when there are more than are shown.
    cut: bool,
    /// The newest other messages to the same recipient.
    related: Vec<Related>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RelatedMessage)]
struct Related {
    message_id: String,
    subject: Option<String>,
    /// What became of it last.
    kind: String,
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: OffsetDateTime,
}

/// Tells everything that became of one message, in the order in which it happened.
///
/// # Errors
/// 401; 404 when nothing was received about it.
#[utoipa::path(get, path = "/api/messages/{id}", operation_id = "getMessage", tag = "events",
    params(("id" = String, Path, description = "Of the message, at Mandrill.")),
    responses((status = 200, description = "The message.", body = Message), (status = 503, description = "`too_slow`")))]
pub async fn get(state: Arc<AppState>, id: String, _: Caller) -> Result<Response, ApiError> {
    let id = path_text(&id)?;
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push(" and message_id = ").push_bind(&id).push(" order by occurred_at, id limit ").push_bind(MOST_EVENTS + 1);
    let mut events: Vec<Event> = sql.build_query_as().fetch_all(&state.reading).await?;
    let most = usize::try_from(MOST_EVENTS).unwrap_or(usize::MAX);
    let cut = events.len() > most;
    events.truncate(most);
    let recipient = events.iter().find_map(|event| event.recipient.as_deref()).unwrap_or_default();
    if events.is_empty() {
        return Err(ApiError::NotFound);
    }
    let related = related(&state, recipient, &id).await?;
    Ok(warp::reply::json(&Message { message_id: id, events, cut, related }).into_response())
}

/// What else went to this address, newest first: of the last events, the newest of each message.
async fn related(state: &AppState, recipient: &str, except: &str) -> Result<Vec<Related>, sqlx::Error> {
    sqlx::query_as!(
        Related,
        r#"select message_id as "message_id!", subject, kind as "kind!", occurred_at as "occurred_at!" from (
             select distinct on (message_id) message_id, subject, kind, occurred_at, received_at, id from (
               select message_id, subject, kind, occurred_at, received_at, id from events
               where lower(recipient collate "C") = lower($1 collate "C") and message_id <> $2
               order by received_at desc, id desc limit 200
             ) as newest order by message_id, received_at desc, id desc
           ) as messages order by received_at desc, id desc limit $3"#,
        recipient,
        except,
        RELATED
    )
    .fetch_all(&state.reading)
    .await
}
