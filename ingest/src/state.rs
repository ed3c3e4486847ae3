//! State shared by handlers and periodic jobs.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use metrics_exporter_prometheus::PrometheusHandle;
use shared::origin::Origins;
use shared::redis::Redis;
use sqlx::PgPool;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::api::accounts::oidc::provider::Provider;
use crate::api::events::export::slots::ExportSlots;
use crate::audit::AuditArgs;
use crate::config::Webhook;
use crate::erasure::keys::SecretKeys;
use crate::readiness::Readiness;
use crate::store::dictionaries::CodecCache;
use crate::store::erasures::ErasureCache;
use crate::store::reports::Reports;
use crate::webhook::delivery::DeliverySender;
use crate::webhook::refusals::Refusals;
use crate::webhook::signature::Verifier;

/// Handles to the parts of a running service.
pub struct AppState {
    /// Connections for short statements.
    pub pool: PgPool,
    /// Connections for lists and searches, with a short timeout: a slow search delays other readers but never a delivery.
    pub reading: PgPool,
    /// Connections of `DATABASE_OWNER_URL`, if it is set.
    pub owner: Option<PgPool>,
    /// Where exports and statistics are read.
    pub reports: Reports,
    /// Connections to Redis.
    pub redis: Redis,
    /// Verifies signatures with the configured keys and URLs.
    pub verifier: Verifier,
    /// The OpenID Connect provider, if one is configured.
    pub oidc: Option<Provider>,
    /// The origins of the dashboard.
    pub origins: Origins,
    /// Keys, URLs and limits for deliveries.
    pub webhook: Webhook,
    /// Memory for unverified deliveries, in bytes: half of `WEBHOOK_MEMORY`.
    pub unverified: Arc<Semaphore>,
    /// Memory for verified deliveries, in bytes: the other half.
    pub verified: Arc<Semaphore>,
    /// `SECRET_KEY`.
    pub secret_keys: SecretKeys,
    /// The erased addresses.
    pub(crate) erasures: Arc<ErasureCache>,
    /// Reads and compresses payloads.
    pub(crate) codec: Arc<CodecCache>,
    /// What the audit log records of reading, and where it is streamed.
    pub audit: AuditArgs,
    /// `RETENTION_DAYS`.
    pub retention_days: Option<u32>,
    /// `SILENCE_ALERT_MINUTES`.
    pub silence_minutes: Option<u32>,
    /// What was last seen of Postgres and Redis.
    pub readiness: Arc<Readiness>,
    /// The running exports.
    pub exports: Arc<ExportSlots>,
    /// Refused deliveries that have not been stored yet.
    pub refusals: Arc<Refusals>,
    /// Queues verified deliveries for the writers.
    pub deliveries: DeliverySender,
    /// Counts changes to notification rules in this process, so that they take effect immediately.
    pub rule_changes: Arc<AtomicU64>,
    /// Wakes the job that merges the search index after a commit.
    pub stored: Arc<Notify>,
    /// Wakes the publisher after a handler has written to the outbox.
    pub outbox_filled: Arc<Notify>,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Cancelled when the service is asked to stop, before it stops taking requests.
    pub leaving: CancellationToken,
}
