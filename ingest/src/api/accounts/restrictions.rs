//! `/api/restrictions/preview`: what a restriction would show, before a user or token gets it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::event::Event;
use shared::filter::Filter;
use shared::masking::Addresses;
use shared::session::Caller;
use shared::visibility::{Restriction, Visibility};
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::http::error::ApiError;
use crate::http::reply;
use crate::state::AppState;
use crate::store::events::statistics::{Counted, Period};
use crate::store::events::{search, selected_statistics};

/// Number of events shown.
const SHOWN_EVENTS: i64 = 5;
/// How long they are searched for.
const SEARCH_TIME: Duration = Duration::from_secs(1);

/// A restriction to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PreviewRestriction)]
pub(crate) struct Asked {
    /// Null for all events.
    restriction: Option<Restriction>,
    /// How addresses would be seen: `full` by default.
    #[serde(default)]
    #[schema(required = false)]
    addresses: Addresses,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RestrictionPreview)]
struct Preview {
    /// The newest visible events, newest first; at most 5.
    items: Vec<Event>,
    /// The number of visible events of the last seven days by kind. Kinds without events are omitted.
    counts: BTreeMap<String, i64>,
}

/// Returns the newest events that a user or token with this restriction would see, as they would see them, and counts those of the last seven days.
///
/// # Errors
/// 400, 401, 403; 503 `too_slow`.
#[utoipa::path(post, path = "/api/restrictions/preview", operation_id = "previewRestriction", tag = "accounts",
    security(("session" = ["admin"], "csrf" = [])),
    request_body = Asked,
    responses((status = 200, description = "What the restriction would show.", body = Preview),
        (status = 503, description = "`too_slow`")))]
pub(crate) async fn preview(state: Arc<AppState>, mut caller: Caller, asked: Asked) -> Result<Response, ApiError> {
    let Asked { restriction, addresses } = asked;
    caller.user.addresses = addresses;
    let visibility = Visibility::new(normalized(restriction)?, None);
    let filter = Filter { visibility, ..Filter::default() };
    let items = search::search(&state.reading, &filter, None, SHOWN_EVENTS, SEARCH_TIME).await?.events;
    let to = OffsetDateTime::now_utc();
    let period = Period { from: to - time::Duration::days(7), to };
    let counted = Counted { period, by_occurrence: false, simulated: None };
    let mut counts = BTreeMap::new();
    for row in selected_statistics::count_by_bucket(&state.reading, &filter, counted, &[period.from]).await? {
        *counts.entry(row.kind).or_default() += row.count;
    }
    reply::json(&caller, &Preview { items: caller.masking().events(items), counts })
}

/// A restriction in the form in which it is compared and stored.
///
/// # Errors
/// 400 if it has too many values or an invalid one.
pub(crate) fn normalized(restriction: Option<Restriction>) -> Result<Option<Restriction>, ApiError> {
    let normalized = restriction.map(Restriction::normalize).transpose();
    normalized.map_err(|error| ApiError::NotJson(error.to_string()))
}
