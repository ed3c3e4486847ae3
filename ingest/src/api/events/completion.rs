//! `/api/complete`: values to suggest while somebody types a filter.

use std::sync::Arc;

use serde::Serialize;
use shared::session::Caller;
use sqlx::PgPool;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::http::error::ApiError;
use crate::http::page::Pairs;
use crate::http::reply;
use crate::state::AppState;
use crate::store::events::values::{self, CountedValue};
use crate::store::events::visible_values;

/// Maximum length of the text, in characters.
const MAX_TEXT_CHARS: usize = 256;
/// The fields whose values are counted.
const COUNTED: [&str; 8] = ["kind", "reason_class", "actor", "tag", "template", "subaccount", "sender", "domain"];
/// The fields whose values are addresses, which are not suggested to callers who see none.
const ADDRESSES: [&str; 2] = ["sender", "recipient"];

#[derive(Serialize, ToSchema)]
struct Completion {
    /// Values that begin with the text, and then values that contain it; the commonest first. At most 20.
    items: Vec<CountedValue>,
}

/// Suggests values of a field that occur in recent events that the caller may see. A caller who may not see all events gets values of their newest
/// 2,000, and no tag for which alone an event would be hidden. One who sees no addresses gets no value that holds one.
///
/// # Errors
/// 401; 400 `bad_page`; 503 `too_slow`.
#[utoipa::path(get, path = "/api/complete", operation_id = "completeValue", tag = "events",
    params(("field" = String, Query, description = "The name of a filter: `kind`, `reason_class`, `actor`, `tag`, `template`, `subaccount`, \
            `sender`, `recipient`, `domain`, `url` or `metadata.KEY`. For `metadata`, the values are keys.", max_length = 1024,
            pattern = r"^(kind|reason_class|actor|tag|template|subaccount|sender|recipient|domain|url|metadata(\.[^\x00]+)?)$"),
        ("text" = Option<String>, Query, description = "A part of the value, ignoring the case of ASCII letters.", max_length = 256,
            pattern = r"^[^\x00]*$")),
    responses((status = 200, description = "The values.", body = Completion),
        (status = 400, description = "`bad_page`"), (status = 503, description = "`too_slow`")))]
pub async fn get(state: Arc<AppState>, caller: Caller, query: Pairs) -> Result<Response, ApiError> {
    if let Some((name, _)) = query.0.iter().find(|(name, _)| name != "field" && name != "text") {
        return Err(ApiError::bad_page(name));
    }
    let text = query.get("text").unwrap_or_default();
    if text.chars().count() > MAX_TEXT_CHARS || text.contains('\0') {
        return Err(ApiError::bad_page("text"));
    }
    let field = query.get("field").filter(|field| !field.contains('\0')).ok_or_else(|| ApiError::bad_page("field"))?;
    let visibility = caller.visibility();
    if caller.masking().is_on() && ADDRESSES.contains(&field) {
        return reply::json(&caller, &Completion { items: Vec::new() });
    }
    let items = if visibility.is_everything() {
        find(&state.reading, field, text).await?
    } else {
        visible_values::suggest(&state.reading, &visibility, field, text).await?
    };
    let mut items = items.ok_or_else(|| ApiError::bad_page("field"))?;
    let masking = caller.masking();
    items.retain(|item| masking.may_name(item.value()));
    reply::json(&caller, &Completion { items })
}

/// `None` if values of the field cannot be suggested.
async fn find(pool: &PgPool, field: &str, text: &str) -> Result<Option<Vec<CountedValue>>, sqlx::Error> {
    let values = match (field, field.strip_prefix("metadata.")) {
        (field, _) if COUNTED.contains(&field) => values::of_counted(pool, field, text).await?,
        ("recipient", _) => values::of_recipients(pool, text).await?,
        ("url", _) => values::of_links(pool, text).await?,
        ("metadata", _) => values::of_metadata_keys(pool, text).await?,
        (_, Some(key)) if !key.is_empty() => values::of_metadata(pool, key, text).await?,
        _ => return Ok(None),
    };
    Ok(Some(values))
}
