//! What was done to accounts and to people's data, and by whom: written with what was done, read by admins.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use shared::session::Caller;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::page::{IdCursor, Limit, List, Page};
use crate::state::AppState;

#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct Entry {
    id: i64,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// Null once that user is gone.
    user_email: Option<String>,
    action: String,
    /// What it was done to, and how.
    #[schema(value_type = BTreeMap<String, Value>)]
    detail: Value,
}

/// Remembers what `user` did.
pub(crate) async fn note(to: impl PgExecutor<'_>, user: i64, action: &str, detail: Value) -> Result<(), sqlx::Error> {
    sqlx::query!("insert into audit (user_id, action, detail) values ($1, $2, $3)", user, action, detail).execute(to).await?;
    Ok(())
}

/// Lists what was done to accounts and to people's data, newest first.
///
/// # Errors
/// 401, 403, 400 `bad_page`.
#[utoipa::path(get, path = "/api/audit", operation_id = "listAudit", tag = "accounts",
    security(("session" = ["admin"]), ("token" = ["read"])),
    params(Limit, IdCursor),
    responses((status = 200, description = "A page of entries.", body = List<Entry>), (status = 400, description = "`bad_page`")))]
pub(crate) async fn list(state: Arc<AppState>, _: Caller, page: Page) -> Result<Response, ApiError> {
    let before = page.before()?;
    if !page.filters.is_empty() {
        return Err(ApiError::BadPage);
    }
    let entries = sqlx::query_as!(
        Entry,
        r#"select audit.id, at, users.email as "user_email?", action, detail
           from audit left join users on users.id = user_id
           where $1::bigint is null or audit.id < $1 order by audit.id desc limit $2"#,
        before,
        page.rows()
    )
    .fetch_all(&state.reading)
    .await?;
    Ok(warp::reply::json(&page.cut(entries, |last| last.id.to_string())).into_response())
}
