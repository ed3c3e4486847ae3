//! `GET /api/system`: the doctor's report, and the data needed to set up the webhook.

pub(crate) mod checks;
pub mod report;

use std::sync::Arc;

use serde::Serialize;
use shared::session::Caller;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::api::system::checks::DoctorInput;
use crate::api::system::report::Report;
use crate::http::error::ApiError;
use crate::redact::printable;
use crate::state::AppState;
use crate::store::diagnostics;

/// The doctor's report with the data needed to set up the webhook.
#[derive(Serialize, ToSchema)]
struct System {
    #[serde(flatten)]
    report: Report,
    /// The configured webhook URLs, with credentials masked. Mandrill posts to one of them.
    webhook_urls: Vec<String>,
    /// False until the first delivery from Mandrill has been counted.
    received_any: bool,
}

/// Checks everything that a working webhook needs, and returns the findings with their remedies.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/system", operation_id = "getSystem", tag = "operations",
    security(("session" = ["operator"]), ("token" = ["read"])),
    responses((status = 200, description = "The report.", body = System)))]
pub async fn get(state: Arc<AppState>, _: Caller) -> Result<Response, ApiError> {
    let input = DoctorInput {
        pool: &state.reading,
        owner: state.owner.as_ref(),
        replica: state.reports.replica().map(AsRef::as_ref),
        redis: &state.redis,
        webhook: &state.webhook,
        secret_keys: &state.secret_keys,
        retention_days: state.retention_days,
        // Every view of the page would write to it. The alarm says whether it works.
        storage: None,
        audit: &state.audit,
        silence_minutes: state.silence_minutes,
    };
    let report = checks::run_checks(input).await;
    // The report itself shows when Postgres is unavailable. In that case, `true` keeps the dashboard from asking users to set up
    // a webhook that already works.
    let received_any = diagnostics::has_received_deliveries(&state.reading).await.unwrap_or(true);
    let webhook_urls = state.webhook.webhook_urls.iter().map(printable).collect();
    Ok(warp::reply::json(&System { report, webhook_urls, received_any }).into_response())
}
