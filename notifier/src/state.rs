//! The state that request handlers share. `App` creates it; handlers import this file instead of the whole application.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use shared::origin::Origins;
use shared::redis::RedisState;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::ConnectionLimits;
use crate::fanout::hub::Hub;
use crate::user::messages::Messages;

/// The handles that are available to every request handler.
pub struct AppState {
    pub pool: PgPool,
    /// The origins whose pages are allowed to connect.
    pub origins: Origins,
    pub hub: Arc<Hub>,
    /// Whether Redis takes writes, as last probed.
    pub redis_state: watch::Receiver<RedisState>,
    pub messages: Messages,
    pub limits: ConnectionLimits,
    /// Tasks that must finish before shutdown: one for each shard and each open connection.
    pub tasks: TaskTracker,
    pub metrics: PrometheusHandle,
    /// Cancelled when the service is asked to stop, before it stops taking connections.
    pub leaving: CancellationToken,
    /// Cancelled when the service takes no more connections.
    pub stop: CancellationToken,
}
