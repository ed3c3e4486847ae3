//! The doctor: looks at everything that an open webhook needs, and says what to do about what it finds.
//!
//! `ingest doctor` and `/api/system` say the same.

mod checks;

use std::io::Write;
use std::sync::Arc;

use anyhow::bail;
use serde::Serialize;
use shared::session::Caller;
use shared::{db, redis};
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::config::{Doctor, Webhook};
use crate::http::error::ApiError;
use crate::state::AppState;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = FindingState)]
pub enum State {
    /// As it should be.
    Ok,
    /// Works, and wants to be looked at.
    Warn,
    /// Deliveries are, or will be, lost or refused.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Finding {
    /// Stable: `keys`, `urls`, `database` …
    pub check: &'static str,
    /// How bad.
    pub state: State,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, state: State::Ok, what: what.into(), advice: None }
    }

    fn warn(check: &'static str, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Warn, what: what.into(), advice: Some(advice.into()) }
    }

    fn fail(check: &'static str, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Fail, what: what.into(), advice: Some(advice.into()) }
    }
}

/// Everything that was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub struct Report {
    /// The worst of the findings.
    pub state: State,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub checked_at: OffsetDateTime,
    /// Of this program.
    pub version: &'static str,
    /// In the order in which a delivery meets what they are about.
    pub findings: Vec<Finding>,
}

/// The report, and what setting up the webhook needs.
#[derive(Serialize, ToSchema)]
struct System {
    #[serde(flatten)]
    report: Report,
    /// What Mandrill must post to, any of them.
    webhook_urls: Vec<String>,
    /// False until the first delivery from Mandrill was counted.
    received_any: bool,
}

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Patient<'a> {
    /// Postgres.
    pub pool: &'a PgPool,
    /// Redis.
    pub redis: &'a deadpool_redis::Pool,
    /// Keys, addresses and bounds.
    pub webhook: &'a Webhook,
    /// `SILENCE_ALERT_MINUTES`.
    pub silence_minutes: Option<u32>,
}

/// Looks at everything. It never fails: what cannot be looked at is a finding.
pub async fn examine(patient: Patient<'_>) -> Report {
    let mut findings = checks::configuration(patient.webhook);
    findings.extend(checks::redis(patient.redis).await);
    match checks::database(patient).await {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(checks::no_database(&error)),
    }
    let state = findings.iter().map(|finding| finding.state).max().unwrap_or(State::Ok);
    Report { state, checked_at: OffsetDateTime::now_utc(), version: env!("CARGO_PKG_VERSION"), findings }
}

/// Looks at everything that an open webhook needs: what was found, and what to do about it.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/system", operation_id = "getSystem", tag = "operations",
    security(("session" = ["admin"]), ("token" = ["read"])),
    responses((status = 200, description = "The report.", body = System)))]
pub async fn get(state: Arc<AppState>, _: Caller) -> Result<Response, ApiError> {
    let patient =
        Patient { pool: &state.reading, redis: &state.redis, webhook: &state.webhook, silence_minutes: state.silence_minutes };
    let report = examine(patient).await;
    // Where Postgres is away, the report says so; the rest is as if something had come, so that nobody sets up anew what works.
    let received_any = received_any(&state.reading).await.unwrap_or(true);
    let webhook_urls = state.webhook.webhook_urls.iter().map(ToString::to_string).collect();
    Ok(warp::reply::json(&System { report, webhook_urls, received_any }).into_response())
}

async fn received_any(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from event_counts where not simulated)
               or exists (select from event_count_deltas where not simulated) as "any!""#
    )
    .fetch_one(pool)
    .await
}

/// `ingest doctor`: prints the report.
///
/// # Errors
/// When something fails.
pub async fn run(config: &Doctor) -> anyhow::Result<()> {
    let pool = db::pool(&config.database, "ingest-doctor", db::Purpose::Reading)?;
    let redis = redis::pool(&config.redis)?;
    let patient =
        Patient { pool: &pool, redis: &redis, webhook: &config.webhook, silence_minutes: config.alarms.silence_alert_minutes.0 };
    let report = examine(patient).await;
    let mut out = std::io::stdout();
    if config.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        for finding in &report.findings {
            let state = match finding.state {
                State::Ok => "ok  ",
                State::Warn => "WARN",
                State::Fail => "FAIL",
            };
            writeln!(out, "{state}  {:<11} {}", finding.check, finding.what)?;
            if let Some(advice) = &finding.advice {
                writeln!(out, "      {:<11} → {advice}", "")?;
            }
        }
    }
    if report.state == State::Fail {
        bail!("something is wrong; see above");
    }
    Ok(())
}
