//! `ingest doctor`: prints the report of all checks.

use std::io::{self, Write};

use anyhow::bail;
use clap::Args;
use shared::config::{self, Database, Log};
use shared::db;
use shared::redis::Redis;

use crate::api::system::checks::{self, DoctorInput};
use crate::api::system::report::{FindingState, Report};
use crate::config::Webhook;
use crate::erasure::keys::SecretKeyArgs;
use crate::periodic::alarms::AlarmArgs;

/// Options for `ingest doctor`: the options of `serve` that the checks inspect.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub webhook: Webhook,
    #[command(flatten)]
    pub secret_keys: SecretKeyArgs,
    #[command(flatten)]
    pub alarms: AlarmArgs,
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub redis: config::Redis,
    #[command(flatten)]
    pub log: Log,
}

/// Runs the checks and prints their findings.
///
/// # Errors
/// If a check fails or a URL is invalid.
pub async fn run(config: &Doctor) -> anyhow::Result<()> {
    let pool = db::pool(&config.database, "ingest-doctor", db::Purpose::Reading)?;
    let redis = Redis::new(&config.redis)?;
    let silence_minutes = config.alarms.silence_alert_minutes.0;
    let input = DoctorInput {
        pool: &pool,
        redis: &redis,
        webhook: &config.webhook,
        secret_keys: &config.secret_keys.secret_key,
        silence_minutes,
    };
    let report = checks::run_checks(input).await;
    let mut out = io::stdout();
    if config.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        print(&mut out, &report)?;
    }
    if report.state == FindingState::Fail {
        bail!("at least one check failed; see above");
    }
    Ok(())
}

fn print(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for finding in &report.findings {
        let state = match finding.state {
            FindingState::Ok => "ok  ",
            FindingState::Warn => "WARN",
            FindingState::Fail => "FAIL",
        };
        writeln!(out, "{state}  {:<11} {}", finding.check, finding.what)?;
        if let Some(advice) = &finding.advice {
            writeln!(out, "      {:<11} → {advice}", "")?;
        }
    }
    Ok(())
}
