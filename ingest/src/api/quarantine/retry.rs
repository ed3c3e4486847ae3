//! Retries the selected items one by one, and summarizes the outcomes.

use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::http::error::ApiError;
use crate::notify::cache;
use crate::state::AppState;
use crate::store::quarantine_items::SelectedItems;
use crate::store::quarantine_retry::{self, RetryOutcome};
use crate::webhook::delivery::CommitError;

/// The outcomes of a retry.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Retried)]
pub(crate) struct RetryReport {
    /// The number of selected items that this request processed, at most 1,000.
    matched: usize,
    /// The total number of selected items.
    total: i64,
    resolved: usize,
    failed: usize,
    items: Vec<RetryOutcome>,
}

impl RetryReport {
    fn new(selected: &SelectedItems) -> Self {
        Self { matched: selected.ids.len(), total: selected.total, ..Self::default() }
    }

    fn add(&mut self, outcome: RetryOutcome) {
        if outcome.is_failed() {
            self.failed += 1;
        } else {
            self.resolved += 1;
        }
        self.items.push(outcome);
    }
}

/// Reports which items can now be parsed, without storing anything.
///
/// # Errors
/// `Database`.
pub(crate) async fn preview(pool: &PgPool, selected: &SelectedItems) -> Result<RetryReport, ApiError> {
    let mut report = RetryReport::new(selected);
    let mut connection = pool.acquire().await?;
    for id in &selected.ids {
        if let Some(outcome) = quarantine_retry::preview(&mut connection, *id).await? {
            report.add(outcome);
        }
    }
    Ok(report)
}

/// Retries the items. An item that another request has already claimed is omitted from the report.
///
/// # Errors
/// `Database`; items retried before the failure remain retried.
pub(crate) async fn retry(state: &AppState, selected: &SelectedItems, user: i64) -> Result<RetryReport, ApiError> {
    let rules = cache::read(&state.pool).await?;
    let erasures = state.erasures.get(&state.pool).await?;
    if erasures.has_unknown_key {
        return Err(CommitError::UnknownKey.into());
    }
    let mut report = RetryReport::new(selected);
    for id in &selected.ids {
        if let Some(outcome) = quarantine_retry::retry(&state.pool, &rules, &erasures, *id, user).await? {
            report.add(outcome);
        }
    }
    state.outbox_filled.notify_one();
    tracing::info!(resolved = report.resolved, failed = report.failed, user.id = user, "retried items in quarantine");
    Ok(report)
}
