//! What handlers and periodic work share.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use shared::origin::Origins;
use sqlx::PgPool;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::api::accounts::oidc::provider::Provider;
use crate::config::Webhook;
use crate::notify::cache::InUse;
use crate::webhook::queue::Writers;
use crate::webhook::refusals::Refusals;
use crate::webhook::signature::Verifier;

/// What handlers share.
pub struct AppState {
    /// Postgres.
    pub pool: PgPool,
    /// Postgres, for lists and searches.
    pub reading: PgPool,
    /// Postgres, for the writers and the relay, which never wait for anybody else's connection. There are few of them, so that each
    /// connection is used often, and what Postgres keeps for it is warm.
    pub writing: PgPool,
    /// Redis.
    pub redis: deadpool_redis::Pool,
    /// Keys and addresses.
    pub verifier: Verifier,
    /// Through whom people may sign in.
    pub oidc: Option<Provider>,
    /// Which pages are ours.
    pub origins: Origins,
    /// Limits of deliveries.
    pub webhook: Webhook,
    /// Bytes that deliveries not yet proved may still take: half of `WEBHOOK_MEMORY`.
    pub unproved: Arc<Semaphore>,
    /// Bytes that proved deliveries may still take: the other half.
    pub proved: Arc<Semaphore>,
    /// How long events are kept.
    pub retention_days: Option<u32>,
    /// Minutes of silence that are an alarm.
    pub silence_minutes: Option<u32>,
    /// Deliveries that were not accepted.
    pub refusals: Refusals,
    /// Commit what was proved.
    pub writers: Writers,
    /// Who is told of what.
    pub(crate) rules: Arc<InUse>,
    /// Wakes whoever merges the search index: something was stored.
    pub stored: Arc<Notify>,
    /// Wakes the relay.
    pub outbox_filled: Notify,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Cancelled when the service is asked to stop.
    pub stop: CancellationToken,
}
