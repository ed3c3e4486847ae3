//! `/api/recipients/{email}`: the events of one recipient, counted by kind. `/api/events?recipient=` lists them.

use std::sync::Arc;

use serde::Serialize;
use shared::event::ReasonClass;
use shared::session::Caller;
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::page::path_text;
use crate::state::AppState;
use crate::store::events::recipient::{self, RecipientKind};
use crate::verdict::standing::{self, AddressEvent, Standing};

#[derive(Serialize, ToSchema)]
struct Recipient {
    email: String,
    standing: RecipientStanding,
    /// The kind with the most recent event comes first.
    kinds: Vec<RecipientKind>,
}

/// Whether mail reaches the address.
#[derive(Serialize, ToSchema)]
struct RecipientStanding {
    state: Standing,
    /// When the event behind the state happened; null if nothing is known.
    #[serde(with = "time::serde::rfc3339::option")]
    since: Option<OffsetDateTime>,
    /// The id of that event.
    event_id: Option<i64>,
    /// Its kind.
    kind: Option<String>,
    /// Its reason.
    #[schema(value_type = Option<ReasonClass>)]
    reason_class: Option<String>,
}

impl RecipientStanding {
    fn of(events: &mut [AddressEvent]) -> Self {
        let (state, cause) = standing::present(events);
        Self {
            state,
            since: cause.map(|event| event.occurred_at),
            event_id: cause.map(|event| event.id),
            kind: cause.map(|event| event.kind.clone()),
            reason_class: cause.and_then(|event| event.reason_class.clone()),
        }
    }
}

/// Returns the standing of one recipient, and counts the events by kind.
///
/// # Errors
/// 401; 404 if no event for the recipient is stored; 503 `too_slow`.
#[utoipa::path(get, path = "/api/recipients/{email}", operation_id = "getRecipient", tag = "events",
    params(("email" = String, Path, description = "The recipient's address.")),
    responses((status = 200, description = "The counts.", body = Recipient), (status = 503, description = "`too_slow`")))]
pub async fn get(state: Arc<AppState>, email: String, _: Caller) -> Result<Response, ApiError> {
    let email = path_text(&email)?;
    let kinds = recipient::count_by_kind(&state.reading, &email).await?;
    if kinds.is_empty() {
        return Err(ApiError::NotFound);
    }
    let standing = RecipientStanding::of(&mut recipient::events_for_standing(&state.reading, &email).await?);
    Ok(warp::reply::json(&Recipient { email, standing, kinds }).into_response())
}
