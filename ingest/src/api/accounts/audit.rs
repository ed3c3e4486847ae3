//! `/api/audit`: the audit log, for admins.

use std::sync::Arc;

use shared::session::Caller;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::page::{IdCursor, Limit, List, Page};
use crate::state::AppState;
use crate::store::accounts::audit::{self, AuditEntry};

/// Lists changes to accounts, erasures of personal data, and what was read if `AUDIT_READS` is set, newest first.
///
/// # Errors
/// 400 `bad_page`, 401, 403.
#[utoipa::path(get, path = "/api/audit", operation_id = "listAudit", tag = "accounts",
    security(("session" = ["admin"]), ("token" = ["read"])),
    params(Limit, IdCursor,
        ("recipient" = Option<String>, Query, description = "Only entries about this address.")),
    responses((status = 200, description = "A page of entries.", body = List<AuditEntry>),
        (status = 400, description = "`bad_page`")))]
pub(crate) async fn list(state: Arc<AppState>, _: Caller, page: Page) -> Result<Response, ApiError> {
    let (before, mut hmacs) = (page.before()?, None);
    for (name, value) in page.filters.iter().filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "recipient" => hmacs = Some(state.secret_keys.iter().map(|key| hex::encode(key.address(value))).collect::<Vec<_>>()),
            _ => return Err(ApiError::bad_page(name)),
        }
    }
    let entries = audit::list(&state.reading, hmacs.as_deref(), before, page.rows()).await?;
    Ok(warp::reply::json(&page.cut(entries, |last| last.id.to_string())).into_response())
}
