//! How long Redis may take.

use std::time::Duration;

use redis::AsyncConnectionConfig;

/// Redis is near and fast. If it does not respond within this time, it is considered unavailable.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);

/// Limits connecting and each response to `timeout`.
pub(super) fn connection_config(timeout: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(timeout)).set_response_timeout(Some(timeout))
}
