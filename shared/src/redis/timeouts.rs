//! How long Redis may take.

use std::time::Duration;

use redis::AsyncConnectionConfig;

/// Redis is near and fast. If it does not respond within this time, it is considered unavailable.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);

pub(super) fn connection_config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(TIMEOUT)).set_response_timeout(Some(TIMEOUT))
}
