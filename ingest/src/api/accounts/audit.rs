//! `/api/audit`: the audit log, for admins.

use std::sync::Arc;

use shared::session::Caller;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::page::{IdCursor, Limit, List, Page};
use crate::state::AppState;
use crate::store::accounts::audit::{self, AuditEntry};

/// Lists changes to accounts and erasures of personal data, newest first.
///
/// # Errors
/// 400 `bad_page`, 401, 403.
#[utoipa::path(get, path = "/api/audit", operation_id = "listAudit", tag = "accounts",
    security(("session" = ["admin"]), ("token" = ["read"])),
    params(Limit, IdCursor),
    responses((status = 200, description = "A page of entries.", body = List<AuditEntry>),
        (status = 400, description = "`bad_page`")))]
pub(crate) async fn list(state: Arc<AppState>, _: Caller, page: Page) -> Result<Response, ApiError> {
    let before = page.before()?;
    if let Some((name, _)) = page.filters.first() {
        return Err(ApiError::bad_page(name));
    }
    let entries = audit::list(&state.reading, before, page.rows()).await?;
    Ok(warp::reply::json(&page.cut(entries, |last| last.id.to_string())).into_response())
}
