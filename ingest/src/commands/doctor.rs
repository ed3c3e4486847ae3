//! `ingest doctor`: prints the report of all checks.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use shared::config::{self, Database, Log};
use shared::db;
use shared::redis::Redis;
use sqlx::PgPool;

use crate::api::system::checks::{self, DoctorInput};
use crate::api::system::report::{FindingState, Report};
use crate::archive::storage::{ArchiveArgs, Storage};
use crate::audit::AuditArgs;
use crate::config::{Owner, Replica, Webhook};
use crate::erasure::keys::SecretKeyArgs;
use crate::periodic::alarms::AlarmArgs;
use crate::periodic::retention::RetentionArgs;
use crate::store::read_replica::{ReadReplica, ReplicaProblem};

/// Options for `ingest doctor`: the options of `serve` that the checks inspect.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
    /// Also says what may be missing after Postgres was restored from a backup, and how to get it back.
    #[arg(long)]
    pub after_restore: bool,
    #[command(flatten)]
    pub webhook: Webhook,
    #[command(flatten)]
    pub secret_keys: SecretKeyArgs,
    #[command(flatten)]
    pub alarms: AlarmArgs,
    #[command(flatten)]
    pub audit: AuditArgs,
    #[command(flatten)]
    pub retention: RetentionArgs,
    #[command(flatten)]
    pub archive: ArchiveArgs,
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub owner: Owner,
    #[command(flatten)]
    pub replica: Replica,
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
    let owner = config.owner.own_pool(&config.database, "ingest-doctor", db::Purpose::Reading)?;
    let replica = ReadReplica::open(&config.replica, &config.database, "ingest-doctor")?;
    if let Some(replica) = &replica {
        await_replay(replica, &pool).await;
    }
    let storage = Storage::open(&config.archive)?;
    let input = DoctorInput {
        pool: &pool,
        owner: owner.as_ref(),
        replica: replica.as_ref(),
        redis: &redis,
        webhook: &config.webhook,
        secret_keys: &config.secret_keys.secret_key,
        retention_days: config.retention.retention_days.0,
        storage: storage.as_ref(),
        audit: &config.audit,
        silence_minutes: config.alarms.silence_alert_minutes.0,
    };
    let mut report = checks::run_checks(input).await;
    if config.after_restore {
        report.findings.extend(checks::restore::findings(&pool).await);
    }
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

/// Waits until the replica has what the primary had at first, or for two seconds. What is wrong is left to the checks.
async fn await_replay(replica: &ReadReplica, primary: &PgPool) {
    for _ in 0..10 {
        if replica.observe(primary).await.is_err() || replica.lag() != Err(ReplicaProblem::Behind) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
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
