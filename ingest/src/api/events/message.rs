//! `/api/messages/{id}`: the events of one message, and other messages to the same recipient.

use std::sync::Arc;

use serde::Serialize;
use shared::event::Event;
use shared::session::Caller;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::http::error::ApiError;
use crate::http::page::path_text;
use crate::http::reply;
use crate::state::AppState;
use crate::store::events::message::{self, RelatedMessage};

/// Maximum number of events shown for one message. If a message is opened more often than this, its newer events add nothing useful.
const MAX_EVENTS: usize = 1_000;
const MAX_RELATED: i64 = 10;

#[derive(Serialize, ToSchema)]
struct Message {
    message_id: String,
    /// Oldest first.
    events: Vec<Event>,
    /// True if the message has more events than `events` contains.
    cut: bool,
    /// The newest other messages to the same recipient.
    related: Vec<RelatedMessage>,
}

/// Returns the events of one message, in chronological order.
///
/// # Errors
/// 401; 404 if no event for the message is stored; 503 `too_slow`.
#[utoipa::path(get, path = "/api/messages/{id}", operation_id = "getMessage", tag = "events",
    params(("id" = String, Path, description = "Mandrill's id for the message.")),
    responses((status = 200, description = "The message.", body = Message), (status = 503, description = "`too_slow`")))]
pub async fn get(state: Arc<AppState>, id: String, caller: Caller) -> Result<Response, ApiError> {
    let (id, visibility) = (path_text(&id)?, caller.visibility());
    let mut events = message::find_events(&state.reading, &id, &visibility, MAX_EVENTS as i64 + 1).await?;
    if events.is_empty() {
        return Err(ApiError::NotFound);
    }
    let cut = events.len() > MAX_EVENTS;
    events.truncate(MAX_EVENTS);
    let recipient = events.iter().find_map(|event| event.recipient.as_deref()).unwrap_or_default();
    let related = message::find_related(&state.reading, recipient, &id, &visibility, MAX_RELATED).await?;
    reply::json(&caller, &Message { message_id: id, events: caller.masking().events(events), cut, related })
}
