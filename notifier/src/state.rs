//! What request handlers share. `App` wires it; handlers import this file instead of the whole application.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use shared::origin::Origins;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::ConnectionLimits;
use crate::fanout::hub::Hub;
use crate::user::messages::Messages;

/// The handles that every request handler gets.
pub struct AppState {
    pub pool: PgPool,
    /// The origins whose pages may connect.
    pub origins: Origins,
    pub hub: Arc<Hub>,
    pub messages: Messages,
    pub limits: ConnectionLimits,
    /// Tasks that a stop waits for: one for each shard and each open connection.
    pub tasks: TaskTracker,
    pub metrics: PrometheusHandle,
    /// Cancelled when the service begins to stop.
    pub stop: CancellationToken,
}
