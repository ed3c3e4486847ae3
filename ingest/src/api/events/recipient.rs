//! `/api/recipients/{email}`: what became of mail to one address, by kind. Its events are in `/api/events?recipient=`.

use std::sync::Arc;

use serde::Serialize;
use shared::session::Caller;
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::page::path_text;
use crate::state::AppState;

#[derive(Serialize, ToSchema)]
struct Recipient {
    email: String,
    /// The kind that happened last comes first.
    kinds: Vec<Kind>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = KindOfRecipient)]
struct Kind {
    kind: String,
    count: i64,
    #[serde(with = "time::serde::rfc3339")]
    first_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_at: OffsetDateTime,
    /// SMTP reply or bounce text of the last one.
    diagnostic: Option<String>,
}

/// Tells what became of mail to one address, by kind.
///
/// # Errors
/// 401; 404 when nothing was received about it.
#[utoipa::path(get, path = "/api/recipients/{email}", operation_id = "getRecipient", tag = "events",
    params(("email" = String, Path, description = "The address.")),
    responses((status = 200, description = "By kind.", body = Recipient), (status = 503, description = "`too_slow`")))]
pub async fn get(state: Arc<AppState>, email: String, _: Caller) -> Result<Response, ApiError> {
    let email = path_text(&email)?;
    let kinds = sqlx::query_as!(
        Kind,
        r#"select kind as "kind!", count(*) as "count!", min(occurred_at) as "first_at!", max(occurred_at) as "last_at!",
                  (array_agg(diagnostic order by occurred_at desc, id desc))[1] as diagnostic
           from events where lower(recipient collate "C") = lower($1 collate "C")
           group by kind order by max(occurred_at) desc, kind"#,
        email
    )
    .fetch_all(&state.reading)
    .await?;
    if kinds.is_empty() {
        return Err(ApiError::NotFound);
    }
    Ok(warp::reply::json(&Recipient { email, kinds }).into_response())
}
