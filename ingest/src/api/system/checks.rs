//! The doctor: runs every check that a working webhook depends on. It is used by both `GET /api/system` and `ingest doctor`.

mod archive;
mod configuration;
mod database;
mod deliveries;
mod queues;
mod redis;
pub(crate) mod restore;
mod roles;

use shared::redis::Redis;
use sqlx::PgPool;

use crate::api::system::report::{Finding, Report};
use crate::archive::storage::Storage;
use crate::audit::AuditArgs;
use crate::config::Webhook;
use crate::erasure::keys::SecretKeys;
use crate::store::read_replica::ReadReplica;

/// What the checks inspect.
#[derive(Clone, Copy)]
pub(crate) struct DoctorInput<'a> {
    pub(crate) pool: &'a PgPool,
    /// Connections of `DATABASE_OWNER_URL`, if it is set.
    pub(crate) owner: Option<&'a PgPool>,
    pub(crate) replica: Option<&'a ReadReplica>,
    pub(crate) redis: &'a Redis,
    pub(crate) webhook: &'a Webhook,
    pub(crate) secret_keys: &'a SecretKeys,
    /// `RETENTION_DAYS`.
    pub(crate) retention_days: Option<u32>,
    /// The archive, if it is to be tried by writing to it.
    pub(crate) storage: Option<&'a Storage>,
    pub(crate) audit: &'a AuditArgs,
    /// `SILENCE_ALERT_MINUTES`.
    pub(crate) silence_minutes: Option<u32>,
}

/// Runs all checks. It never fails: a check that cannot run is reported as a finding.
pub(crate) async fn run_checks(input: DoctorInput<'_>) -> Report {
    let mut findings = configuration::findings(input.webhook);
    findings.push(redis::finding(input.redis).await);
    findings.push(database::writes(input.pool).await);
    if let Some(storage) = input.storage {
        findings.push(archive::finding(storage, input.retention_days).await);
    }
    match stored_state(input).await {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(database::unavailable(&error)),
    }
    Report::new(findings)
}

/// The checks that need Postgres.
async fn stored_state(input: DoctorInput<'_>) -> Result<Vec<Finding>, sqlx::Error> {
    let pool = input.pool;
    if let Some(finding) = database::pooler(pool).await? {
        return Ok(vec![finding]);
    }
    let mut findings = database::server(pool).await?;
    findings.push(database::schema(pool).await?);
    findings.push(roles::service(pool).await?);
    if let Some(owner) = input.owner {
        findings.push(roles::owner(owner).await);
    }
    if let Some(replica) = input.replica {
        findings.push(roles::replica(replica).await);
    }
    findings.push(database::partitions(pool).await?);
    findings.extend(roles::retention(pool, input.retention_days).await?);
    findings.push(database::replicas(pool).await?);
    findings.push(database::secret_key(pool, input.secret_keys).await?);
    findings.push(queues::outbox(pool).await?);
    findings.push(queues::quarantine(pool).await?);
    findings.push(queues::background_jobs(pool).await?);
    findings.extend(queues::audit_stream(pool, input.audit).await?);
    findings.push(deliveries::last_delivery(pool, input.silence_minutes).await?);
    findings.extend(deliveries::refusals(pool).await?);
    Ok(findings)
}
