//! The doctor's report: one finding for each check.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FindingState {
    /// The check passed.
    Ok,
    /// The service works, but needs attention.
    Warn,
    /// Deliveries are being rejected or lost, or soon will be.
    Fail,
}

/// The result of one check.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Finding {
    /// The stable name of the check, such as `keys`, `urls` or `database`.
    pub check: &'static str,
    /// The severity.
    pub state: FindingState,
    /// What the check found.
    pub what: String,
    /// How to fix it.
    pub advice: Option<String>,
}

impl Finding {
    pub(crate) fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, state: FindingState::Ok, what: what.into(), advice: None }
    }

    pub(crate) fn warn(check: &'static str, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: FindingState::Warn, what: what.into(), advice: Some(advice.into()) }
    }

    pub(crate) fn fail(check: &'static str, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: FindingState::Fail, what: what.into(), advice: Some(advice.into()) }
    }
}

/// The results of all checks.
#[derive(Debug, Serialize, ToSchema)]
pub struct Report {
    /// The worst state among all findings.
    pub state: FindingState,
    /// When the checks ran.
    #[serde(with = "time::serde::rfc3339")]
    pub checked_at: OffsetDateTime,
    /// The version of this program.
    pub version: &'static str,
    /// The findings, in the order in which deliveries depend on the checked components.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Creates a report from checks that have just run.
    pub(crate) fn new(findings: Vec<Finding>) -> Self {
        let state = findings.iter().map(|finding| finding.state).max().unwrap_or(FindingState::Ok);
        Self { state, checked_at: OffsetDateTime::now_utc(), version: env!("CARGO_PKG_VERSION"), findings }
    }
}
