//! `/api/recipients/{email}`: what is known of one recipient. `/api/events?recipient=` lists the events.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use shared::event::ReasonClass;
use shared::session::Caller;
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::api::reading;
use crate::audit::Read;
use crate::http::error::ApiError;
use crate::http::page::path_text;
use crate::http::reply;
use crate::state::AppState;
use crate::store::events::recipient::{self, PersonEvent, RecipientKind, RecipientMessage, Suppression};
use crate::verdict::standing::{self, AddressEvent, Standing};

#[derive(Serialize, ToSchema)]
struct Recipient {
    email: String,
    /// Stands for the address, for callers who do not see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    recipient_id: Option<String>,
    standing: RecipientStanding,
    /// The last open and click by a person, directly or through a proxy.
    engagement: Engagement,
    /// The newest messages to the address, newest first; at most 10.
    messages: Vec<RecipientMessage>,
    /// Events that stop or resume mail to the address, such as bounces, complaints and changes of the denylist, newest first; at most 20.
    suppressions: Vec<Suppression>,
    /// When personal data of the address was last erased. What is listed came later. Null for callers who may not see all events.
    #[serde(with = "time::serde::rfc3339::option")]
    erased_at: Option<OffsetDateTime>,
    /// The kind with the most recent event comes first.
    kinds: Vec<RecipientKind>,
}

#[derive(Serialize, ToSchema)]
struct Engagement {
    open: Option<PersonEvent>,
    click: Option<PersonEvent>,
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

/// Returns the standing of one recipient, the newest messages, and counts the events by kind.
///
/// # Errors
/// 401; 403 `masked` if a caller who sees no addresses gives one; 404 if no event for the recipient is stored; 410 `erased` if there was one, but its personal data was erased; 503 `too_slow`.
#[utoipa::path(get, path = "/api/recipients/{email}", operation_id = "getRecipient", tag = "events",
    params(("email" = String, Path, description = "The recipient's address, or a `recipient_id`.")),
    responses((status = 200, description = "The counts.", body = Recipient), (status = 403, description = "`masked`"), (status = 410, description = "`erased`"),
        (status = 503, description = "`too_slow`")))]
pub async fn get(state: Arc<AppState>, email: String, caller: Caller) -> Result<Response, ApiError> {
    let (named, visibility, masking) = (path_text(&email)?, &caller.visibility(), caller.masking());
    let email = masking.recipient(&named).ok_or(ApiError::Masked)?.into_owned();
    let pool = &state.reading;
    // An erased address can be one whose events the caller was never allowed to see.
    let erased_at = state.erasures.get(pool).await?.erased_at(&email).filter(|_| visibility.is_everything());
    let kinds = recipient::count_by_kind(pool, &email, visibility).await?;
    if kinds.is_empty() {
        return Err(erased_at.map_or(ApiError::NotFound, ApiError::Erased));
    }
    reading::record(&state, &caller, Read::Recipient, json!({"hmac": reading::hmac(&state, &email)})).await?;
    let standing = RecipientStanding::of(&mut recipient::events_for_standing(pool, &email, visibility).await?);
    let engagement = Engagement {
        open: recipient::last_by_person(pool, &email, visibility, "open").await?,
        click: recipient::last_by_person(pool, &email, visibility, "click").await?,
    };
    let messages = recipient::newest_messages(pool, &email, visibility).await?;
    let suppressions = recipient::newest_suppressions(pool, &email, visibility).await?;
    let (recipient_id, email) = (masking.recipient_id(&email), masking.address(&email).into_owned());
    let recipient = Recipient { email, recipient_id, standing, engagement, messages, suppressions, erased_at, kinds };
    reply::json(&caller, &recipient)
}
